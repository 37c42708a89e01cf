#include "engine/core/registry.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "engine/core/check.h"

namespace engine {

namespace {

// Whether no two of them are of the same thing.
template <typename Body, typename KeyOf>
bool AllDiffer(std::span<const Body> bodies, KeyOf key_of) {
  if (bodies.size() < 2) return true;
  absl::flat_hash_set<decltype(key_of(bodies[0]))> seen;
  return std::ranges::all_of(bodies,
                             [&](const Body& body) { return seen.insert(key_of(body)).second; });
}
template <typename Body>
bool AllDiffer(std::span<const Body> bodies) {
  return AllDiffer(bodies, [](const Body& body) { return body.id; });
}

bool HasPossibleFields(const CredentialBody& definition) {
  if (definition.id == CredentialId{} || definition.kind > CredentialKind::kOperator) return false;
  const bool may_have_roles = definition.kind == CredentialKind::kOperator;
  return definition.roles <= (may_have_roles ? kAllRoles : kNoRoles);
}

}  // namespace

bool Registry::Define(std::span<const MarketDefinition> definitions) {
  if (!AllDiffer(definitions)) return false;
  std::uint64_t products = 0;
  for (const MarketDefinition& market : markets_) products += OpenProductsMost(market);
  std::size_t fresh = 0;
  for (const MarketDefinition& definition : definitions) {
    if (!IsPossible(definition)) return false;
    const std::uint32_t index = FindMarket(definition.id);
    products += OpenProductsMost(definition);
    if (index != kNoIndex) products -= OpenProductsMost(markets_[index]);
    fresh += index == kNoIndex ? 1 : 0;
  }
  if (products > kOpenProductsMax || markets_.size() + fresh > kMarketsMax) return false;
  for (const MarketDefinition& definition : definitions) {
    const auto [at, is_new] = market_index_.try_emplace(definition.id, market_count());
    if (is_new) markets_.emplace_back();
    markets_[at->second] = definition;
  }
  return true;
}

bool Registry::Define(std::span<const MeteringPointBody> definitions) {
  if (!AllDiffer(definitions)) return false;
  for (const MeteringPointBody& definition : definitions) {
    if (definition.id == MeteringPointId{}) return false;
  }
  for (const MeteringPointBody& definition : definitions) {
    const auto [at, fresh] =
        metering_index_.try_emplace(definition.id, static_cast<std::uint32_t>(metering_.size()));
    if (fresh) metering_.emplace_back();
    metering_[at->second] = definition;
  }
  return true;
}

// A token may go from one credential to another where both are among them.
bool Registry::Define(std::span<const CredentialBody> definitions) {
  absl::flat_hash_set<CredentialId> ids;
  absl::flat_hash_set<TokenHash> tokens;
  for (const CredentialBody& definition : definitions) {
    if (!HasPossibleFields(definition) || !ids.insert(definition.id).second) return false;
    const bool has_token = definition.token_hash != TokenHash{};
    if (has_token && !tokens.insert(definition.token_hash).second) return false;
  }
  for (const CredentialBody& definition : definitions) {
    const std::uint32_t holder = FindToken(definition.token_hash);
    if (holder != kNoIndex && !ids.contains(credentials_[holder].definition.id)) return false;
  }
  for (const CredentialBody& definition : definitions) {
    const std::uint32_t known = FindCredential(definition.id);
    if (known != kNoIndex) token_index_.erase(credentials_[known].definition.token_hash);
  }
  for (const CredentialBody& definition : definitions) Put(definition);
  return true;
}

void Registry::Put(const CredentialBody& definition) {
  const auto [at, fresh] =
      credential_index_.try_emplace(definition.id, static_cast<std::uint32_t>(credentials_.size()));
  if (fresh) credentials_.emplace_back();
  credentials_[at->second].definition = definition;
  if (definition.token_hash != TokenHash{}) token_index_[definition.token_hash] = at->second;
}

// A certificate is of one credential, in one place.
bool Registry::Define(std::span<const CertificateBody> definitions) {
  absl::flat_hash_set<CertificateHash> hashes;
  const auto place_of = [](const CertificateBody& body) {
    return std::pair(body.credential, body.place);
  };
  if (!AllDiffer(definitions, place_of)) return false;
  for (const CertificateBody& definition : definitions) {
    const std::uint32_t index = FindCredential(definition.credential);
    if (index == kNoIndex || definition.place >= kCertificatesACredential ||
        definition.zero != decltype(definition.zero){}) {
      return false;
    }
    if (definition.hash == CertificateHash{}) continue;
    const CertificateHash& held = credentials_[index].certificates[definition.place];
    const bool is_taken = definition.hash != held && certificate_index_.contains(definition.hash);
    if (is_taken || !hashes.insert(definition.hash).second) return false;
  }
  for (const CertificateBody& definition : definitions) {
    const std::uint32_t index = FindCredential(definition.credential);
    CertificateHash& held = credentials_[index].certificates[definition.place];
    certificate_index_.erase(held);
    held = definition.hash;
    if (held != CertificateHash{}) certificate_index_[held] = index;
  }
  return true;
}

bool Registry::Define(std::span<const AccountBody> definitions) {
  if (!AllDiffer(definitions)) return false;
  for (const AccountBody& definition : definitions) {
    if (!CanDefine(definition)) return false;
  }
  for (const AccountBody& definition : definitions) Put(definition);
  return true;
}

bool Registry::CanDefine(const AccountBody& definition) const {
  if (definition.id == AccountId{} || definition.party == PartyId{} ||
      FindMarket(definition.market) == kNoIndex ||
      FindMeteringPoint(definition.metering_point) == kNoIndex ||
      FindCredential(definition.credential) == kNoIndex) {
    return false;
  }
  const std::uint32_t index = FindAccount(definition.id);
  if (index == kNoIndex) return true;
  const AccountBody& now = accounts_[index].definition;
  return now.party == definition.party && now.market == definition.market;
}

void Registry::Put(const AccountBody& definition) {
  std::uint32_t index = FindAccount(definition.id);
  if (index != kNoIndex) {
    Detach(index);
  } else {
    index = static_cast<std::uint32_t>(accounts_.size());
    account_index_[definition.id] = index;
    accounts_.emplace_back();
    const auto [party, fresh] = party_index_.try_emplace(definition.party, parties_);
    if (fresh) ++parties_;
    accounts_[index].party = party->second;
    accounts_[index].market = FindMarket(definition.market);
  }
  accounts_[index].definition = definition;
  accounts_[index].metering_point = FindMeteringPoint(definition.metering_point);
  accounts_[index].credential = FindCredential(definition.credential);
  KnowAt(accounts_[index].metering_point, accounts_[index].party);
  Attach(index);
}

void Registry::KnowAt(std::uint32_t metering_point, std::uint32_t party) {
  first_at_.resize(metering_.size(), kNoIndex);
  std::uint32_t& first = first_at_[metering_point];
  if (first == kNoIndex) first = party;
  if (first == party) return;
  std::vector<std::uint32_t>& all = all_at_[metering_point];
  if (all.empty()) all.push_back(first);
  if (std::find(all.begin(), all.end(), party) == all.end()) all.push_back(party);
}

std::span<const std::uint32_t> Registry::parties_at(std::uint32_t metering_point) const {
  const auto all = all_at_.find(metering_point);
  if (all != all_at_.end()) return all->second;
  return {&first_at_[metering_point], 1};
}

void Registry::Attach(std::uint32_t account) {
  Credential& owner = credentials_[accounts_[account].credential];
  owner.accounts.push_back(account);
  AddMarket(owner, accounts_[account].market);
}

void Registry::Detach(std::uint32_t account) {
  Credential& owner = credentials_[accounts_[account].credential];
  owner.accounts.erase(std::find(owner.accounts.begin(), owner.accounts.end(), account));
  FindMarkets(owner);
}

void Registry::FindMarkets(Credential& owner) const {
  owner.markets.clear();
  for (const std::uint32_t account : owner.accounts) AddMarket(owner, accounts_[account].market);
}

void Registry::AddMarket(Credential& owner, std::uint32_t market) {
  if (std::find(owner.markets.begin(), owner.markets.end(), market) != owner.markets.end()) return;
  owner.markets.push_back(market);
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

void Registry::Save(StateWriter& out) const {
  for (const std::size_t count :
       {markets_.size(), metering_.size(), credentials_.size(), accounts_.size()}) {
    out.AddCount(count);
  }
  for (const MarketDefinition& market : markets_) out.Add(market);
  for (const MeteringPointBody& point : metering_) out.Add(point);
  for (const Credential& credential : credentials_) out.Add(credential.definition);
  for (const Account& account : accounts_) out.Add(account.definition);
  for (const Credential& credential : credentials_) {
    credential.sequence.Save(out);
    out.Add(credential.next_event);
    for (const std::uint32_t account : credential.accounts) out.Add(account);
  }
  for (const Account& account : accounts_) out.Add(account.open_orders);
}

// Defines all anew, which finds what cannot be and makes the indices.
void Registry::Load(StateReader& in) {
  const std::uint64_t markets = in.ReadCount(kMarketsMax);
  const std::uint64_t points = in.ReadCount(kNoIndex);
  const std::uint64_t credentials = in.ReadCount(kNoIndex);
  const std::uint64_t accounts = in.ReadCount(kNoIndex);
  // Each has to be possible, and one that was not there.
  const auto define = [&]<typename Body>(std::uint64_t count, const Body& /*kind*/, const auto& all,
                                         const char* what) {
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const auto body = in.Read<Body>();
      in.Require(Define(std::span(&body, 1)) && all.size() == i + 1, what);
    }
  };
  define(markets, MarketDefinition(), markets_, "a market that cannot be");
  define(points, MeteringPointBody(), metering_, "a metering point that cannot be");
  define(credentials, CredentialBody(), credentials_, "a credential that cannot be");
  define(accounts, AccountBody(), accounts_, "an account that cannot be");
  for (std::size_t i = 0; i < credentials_.size() && in.ok(); ++i) LoadClient(in, credentials_[i]);
  for (std::size_t i = 0; i < accounts_.size() && in.ok(); ++i) {
    accounts_[i].open_orders = in.Read<std::uint32_t>();
    open_orders_ += accounts_[i].open_orders;
  }
}

void Registry::SaveCertificates(StateWriter& out) const {
  out.AddCount(certificate_index_.size());
  for (const Credential& credential : credentials_) {
    for (std::size_t place = 0; place < kCertificatesACredential; ++place) {
      if (credential.certificates[place] == CertificateHash{}) continue;
      out.Add(CertificateBody{.credential = credential.definition.id,
                              .place = static_cast<std::uint8_t>(place),
                              .hash = credential.certificates[place]});
    }
  }
}

void Registry::LoadCertificates(StateReader& in) {
  const std::uint64_t count = in.ReadCount(kNoIndex);
  std::uint64_t next_place = 0;  // Of all places of all credentials, in their order.
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto body = in.Read<CertificateBody>();
    const std::uint64_t place =
        std::uint64_t{FindCredential(body.credential)} * kCertificatesACredential + body.place;
    in.Require(place >= next_place, "a certificate out of order");
    next_place = place + 1;
    in.Require(body.hash != CertificateHash{} && Define(std::span(&body, 1)) &&
                   certificate_index_.size() == i + 1,
               "a certificate that cannot be");
  }
}

// Its accounts are those that were just defined, in the order in which it got them.
void Registry::LoadClient(StateReader& in, Credential& credential) {
  credential.sequence.Load(in);
  credential.next_event = in.Read<std::uint64_t>();
  credential.next_emitted = credential.next_event;
  in.Require(credential.next_event > 0, "an event number that cannot be");
  std::vector<std::uint32_t> in_order(credential.accounts.size());
  for (std::uint32_t& account : in_order) account = in.Read<std::uint32_t>();
  std::vector<std::uint32_t> sorted = in_order;
  std::sort(sorted.begin(), sorted.end());
  // Just defined, they are in order.
  if (!in.Require(sorted == credential.accounts, "an account of another credential")) return;
  credential.accounts = std::move(in_order);
  FindMarkets(credential);
}

}  // namespace engine
