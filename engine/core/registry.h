// What administrative commands define: markets, metering points, accounts, parties, credentials.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/core/client_sequence.h"
#include "engine/core/command.h"
#include "engine/core/state_bytes.h"

namespace engine {

inline constexpr std::uint32_t kNoIndex = UINT32_MAX;

struct Account {
  AccountBody definition;
  std::uint32_t party = 0;  // Indices in the registry.
  std::uint32_t metering_point = 0;
  std::uint32_t market = 0;
  std::uint32_t credential = 0;
  std::uint32_t open_orders = 0;  // In all books.
};

struct Credential {
  CredentialBody definition;
  ClientSequence sequence;
  std::uint64_t next_event = 1;         // Number of the next numbered event, in the state.
  std::uint64_t next_emitted = 1;       // Of the next that Drain hands out; behind while it drains.
  std::vector<std::uint32_t> accounts;  // Indices, in order of definition.
  std::vector<std::uint32_t> markets;   // Indices, of its accounts.
  std::array<CertificateHash, kCertificatesACredential> certificates{};
  bool asked = false;  // A question of its is being answered: see Listing.
};

inline bool IsInScope(const Account& account, const OrderScopeBody& scope) {
  return (scope.account == AccountId{} || scope.account == account.definition.id) &&
         (scope.market == MarketId{} || scope.market == account.definition.market);
}

// Things get dense indices in the order of their definition; an index is for ever. Definitions may
// be changed by a later command of the same id, except who an account's party and market are.
class Registry {
 public:
  // All of them, or none where one is impossible or two are of the same thing: have the same id,
  // the same token or certificate. Cost: O(definitions), and of markets O(markets).
  bool Define(std::span<const MarketDefinition> definitions);
  bool Define(std::span<const MeteringPointBody> definitions);
  bool Define(std::span<const AccountBody> definitions);
  bool Define(std::span<const CredentialBody> definitions);
  bool Define(std::span<const CertificateBody> definitions);

  // kNoIndex where there is none.
  std::uint32_t FindMarket(MarketId id) const { return Find(market_index_, id); }
  std::uint32_t FindMeteringPoint(MeteringPointId id) const { return Find(metering_index_, id); }
  std::uint32_t FindAccount(AccountId id) const { return Find(account_index_, id); }
  std::uint32_t FindCredential(CredentialId id) const { return Find(credential_index_, id); }
  // Asks memory for what FindAccount will read.
  void Prefetch(AccountId id) const { account_index_.prefetch(id); }
  std::uint32_t FindToken(const TokenHash& hash) const { return Find(token_index_, hash); }
  std::uint32_t FindCertificate(const CertificateHash& hash) const {
    return Find(certificate_index_, hash);
  }

  std::uint32_t market_count() const { return static_cast<std::uint32_t>(markets_.size()); }
  const MarketDefinition& market(std::uint32_t index) const { return markets_[index]; }
  std::size_t metering_point_count() const { return metering_.size(); }
  const MeteringPointBody& metering_point(std::uint32_t index) const { return metering_[index]; }
  // The parties that have or had an account there: mostly one.
  std::span<const std::uint32_t> parties_at(std::uint32_t metering_point) const;
  Account& account(std::uint32_t index) { return accounts_[index]; }
  const Account& account(std::uint32_t index) const { return accounts_[index]; }
  Credential& credential(std::uint32_t index) { return credentials_[index]; }
  const Credential& credential(std::uint32_t index) const { return credentials_[index]; }
  // For Book::ForEachOrder: asks memory for the accounts of a chunk's orders.
  auto PrefetchesAccounts() const {
    return [this](const auto& chunk) {
      for (std::uint32_t at = 0; at < chunk.used; ++at) {
        if (chunk.account[at] < accounts_.size()) __builtin_prefetch(&accounts_[chunk.account[at]]);
      }
    };
  }
  // Of the account, an order is open that was not, or not open any more.
  void OpenOrder(std::uint32_t account);
  void CloseOrder(std::uint32_t account);
  std::uint64_t open_orders() const { return open_orders_; }

  // Which orders are taken: see kEntryVersion.
  std::uint32_t entry_version() const { return entry_version_; }
  void SetEntryVersion(std::uint32_t version) { entry_version_ = version; }

  std::size_t account_count() const { return accounts_.size(); }
  std::size_t credential_count() const { return credentials_.size(); }

  void Save(StateWriter& out) const;
  void Load(StateReader& in);  // Requires: it is new.
  // Apart from the rest: a state in which there are none is what it was before there could be any.
  bool has_certificates() const { return !certificate_index_.empty(); }
  void SaveCertificates(StateWriter& out) const;
  void LoadCertificates(StateReader& in);

 private:
  template <typename Map, typename Id>
  static std::uint32_t Find(const Map& map, const Id& id) {
    const auto found = map.find(id);
    return found == map.end() ? kNoIndex : found->second;
  }
  bool CanDefine(const AccountBody& definition) const;
  void Put(const AccountBody& definition);
  void Put(const CredentialBody& definition);
  void KnowAt(std::uint32_t metering_point, std::uint32_t party);
  void Attach(std::uint32_t account);
  void Detach(std::uint32_t account);
  void FindMarkets(Credential& owner) const;
  static void AddMarket(Credential& owner, std::uint32_t market);
  void LoadClient(StateReader& in, Credential& credential);

  std::vector<MarketDefinition> markets_;
  std::vector<MeteringPointBody> metering_;
  std::vector<std::uint32_t> first_at_;  // By metering point: its first party, or kNoIndex;
  absl::flat_hash_map<std::uint32_t, std::vector<std::uint32_t>> all_at_;  // where more are, all.
  std::vector<Account> accounts_;
  std::vector<Credential> credentials_;
  std::uint32_t entry_version_ = 1;
  std::uint32_t parties_ = 0;
  std::uint64_t open_orders_ = 0;  // Of all accounts.
  absl::flat_hash_map<MarketId, std::uint32_t> market_index_;
  absl::flat_hash_map<MeteringPointId, std::uint32_t> metering_index_;
  absl::flat_hash_map<AccountId, std::uint32_t> account_index_;
  absl::flat_hash_map<PartyId, std::uint32_t> party_index_;
  absl::flat_hash_map<CredentialId, std::uint32_t> credential_index_;
  absl::flat_hash_map<TokenHash, std::uint32_t> token_index_;
  absl::flat_hash_map<CertificateHash, std::uint32_t> certificate_index_;
};

}  // namespace engine
