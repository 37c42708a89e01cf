#include "engine/core/registry.h"

#include <algorithm>

#include "engine/core/check.h"

namespace engine {

bool Registry::DefineMarket(const MarketDefinition& definition) {
  if (!IsPossible(definition)) return false;
  const std::uint32_t index = FindMarket(definition.id);
  std::uint64_t products = OpenProductsMost(definition);
  for (const MarketDefinition& market : markets_) {
    if (market.id != definition.id) products += OpenProductsMost(market);
  }
  if (products > kOpenProductsMax) return false;
  if (index != kNoIndex) {
    markets_[index] = definition;
    return true;
  }
  if (markets_.size() == kMarketsMax) return false;
  market_index_[definition.id] = market_count();
  markets_.push_back(definition);
  return true;
}

bool Registry::DefineMeteringPoint(const MeteringPointBody& definition) {
  if (definition.id == MeteringPointId{}) return false;
  const auto [at, fresh] =
      metering_index_.try_emplace(definition.id, static_cast<std::uint32_t>(metering_.size()));
  if (fresh) metering_.emplace_back();
  metering_[at->second] = definition;
  return true;
}

bool Registry::DefineCredential(const CredentialBody& definition) {
  if (definition.id == CredentialId{} || definition.kind > CredentialKind::kOperator) return false;
  const std::uint32_t holder = FindToken(definition.token_hash);
  const std::uint32_t known = FindCredential(definition.id);
  const bool has_token = definition.token_hash != TokenHash{};
  if (has_token && holder != kNoIndex && holder != known) return false;
  const auto index = known != kNoIndex ? known : static_cast<std::uint32_t>(credentials_.size());
  if (known == kNoIndex) {
    credential_index_[definition.id] = index;
    credentials_.emplace_back();
  }
  token_index_.erase(credentials_[index].definition.token_hash);
  credentials_[index].definition = definition;
  if (has_token) token_index_[definition.token_hash] = index;
  return true;
}

bool Registry::DefineAccount(const AccountBody& definition) {
  const std::uint32_t market = FindMarket(definition.market);
  const std::uint32_t metering_point = FindMeteringPoint(definition.metering_point);
  const std::uint32_t credential = FindCredential(definition.credential);
  if (definition.id == AccountId{} || definition.party == PartyId{} || market == kNoIndex ||
      metering_point == kNoIndex || credential == kNoIndex) {
    return false;
  }
  std::uint32_t index = FindAccount(definition.id);
  if (index != kNoIndex) {
    const AccountBody& now = accounts_[index].definition;
    if (now.party != definition.party || now.market != definition.market) return false;
    Detach(index);
  } else {
    index = static_cast<std::uint32_t>(accounts_.size());
    account_index_[definition.id] = index;
    accounts_.emplace_back();
    const auto [party, fresh] = party_index_.try_emplace(definition.party, parties_);
    if (fresh) ++parties_;
    accounts_[index].party = party->second;
    accounts_[index].market = market;
  }
  accounts_[index].definition = definition;
  accounts_[index].metering_point = metering_point;
  accounts_[index].credential = credential;
  Attach(index);
  return true;
}

void Registry::Attach(std::uint32_t account) {
  Credential& owner = credentials_[accounts_[account].credential];
  owner.accounts.push_back(account);
  const std::uint32_t market = accounts_[account].market;
  if (std::find(owner.markets.begin(), owner.markets.end(), market) == owner.markets.end()) {
    owner.markets.push_back(market);
  }
}

void Registry::Detach(std::uint32_t account) {
  Credential& owner = credentials_[accounts_[account].credential];
  owner.accounts.erase(std::find(owner.accounts.begin(), owner.accounts.end(), account));
  owner.markets.clear();
  for (const std::uint32_t other : owner.accounts) {
    const std::uint32_t market = accounts_[other].market;
    if (std::find(owner.markets.begin(), owner.markets.end(), market) == owner.markets.end()) {
      owner.markets.push_back(market);
    }
  }
}

void Registry::OpenOrder(std::uint32_t account) {
  ++accounts_[account].open_orders;
  ++open_orders_;
}

void Registry::CloseOrder(std::uint32_t account) {
  CHECK(accounts_[account].open_orders > 0 && open_orders_ > 0);
  --accounts_[account].open_orders;
  --open_orders_;
}

void Registry::AddTo(Digest& digest) const {
  for (const std::size_t count :
       {markets_.size(), metering_.size(), accounts_.size(), credentials_.size()}) {
    digest.Add(static_cast<std::uint64_t>(count));
  }
  for (const MarketDefinition& market : markets_) {
    static_assert(std::has_unique_object_representations_v<MarketDefinition>);
    digest.Add(std::as_bytes(std::span(&market, 1)));
  }
  for (const MeteringPointBody& point : metering_) {
    static_assert(std::has_unique_object_representations_v<MeteringPointBody>);
    digest.Add(std::as_bytes(std::span(&point, 1)));
  }
  for (const Account& account : accounts_) {
    static_assert(std::has_unique_object_representations_v<AccountBody>);
    digest.Add(std::as_bytes(std::span(&account.definition, 1)));
    digest.Add(account.open_orders);
  }
  for (const Credential& credential : credentials_) {
    static_assert(std::has_unique_object_representations_v<CredentialBody>);
    digest.Add(std::as_bytes(std::span(&credential.definition, 1)));
    credential.sequence.AddTo(digest);
    digest.Add(credential.next_event);
    digest.Add(static_cast<std::uint64_t>(credential.accounts.size()));
    for (const std::uint32_t account : credential.accounts) digest.Add(account);
  }
}

}  // namespace engine
