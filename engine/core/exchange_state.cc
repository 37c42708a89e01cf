#include <vector>

#include "engine/core/check.h"
#include "engine/core/clearing/continuous.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/entry_version.h"
#include "engine/core/exchange_impl.h"
#include "engine/core/product_state.h"

namespace engine {

void Exchange::Impl::Save(StateWriter& out) {
  out.Add(genesis_);
  out.Add(sequence_);
  out.Add(time_ns_);
  out.Add(running_.bytes());
  registry_.Save(out);
  products_.Save(out);
  products_.ForEach([&](Product& product) { SaveProduct(product, memory_, out); });
  games_.Save(out);
  matching_.Save(out);
  rounds_.Save(out);
  out.Add(memory_.orders.free_chunks());
  // A state that has none of what came later is as it was before.
  std::uint64_t traded = 0;
  products_.ForEach(
      [&traded](const Product& product) { traded += product.traded.empty() ? 0 : 1; });
  const bool versioned = registry_.entry_version() > 1;
  if (registry_.has_certificates() || versioned) registry_.SaveCertificates(out);
  if (!versioned) return;
  out.Add(registry_.entry_version());
  SaveTraded(traded, out);
}

void Exchange::Impl::SaveTraded(std::uint64_t products, StateWriter& out) {
  out.AddCount(products);
  products_.ForEach([&out](const Product& product) {
    if (product.traded.empty()) return;
    out.Add(product.id);
    product.traded.Save(out);
  });
}

void Exchange::Impl::LoadTraded(StateReader& in) {
  const std::uint64_t products = in.ReadCount(kOpenProductsMax);
  for (std::uint64_t left = products; left > 0 && in.ok(); --left) {
    Product* product = products_.Find(in.Read<ProductId>(), registry_);
    const bool fits = product != nullptr && product->traded.empty() &&
                      product->continuous == nullptr && product->definition.rounds > 1;
    if (!in.Require(fits, "a product that has no earlier round")) return;
    product->traded.Load(in, registry_.metering_point_count());
    in.Require(!product->traded.empty(), "rounds that traded nothing");
  }
}

bool Exchange::Impl::Load(StateReader& in) {
  CHECK(sequence_ == 0);
  genesis_ = in.Read<GenesisBody>();
  memory_.orders = OrderPool(genesis_.order_capacity);
  sequence_ = in.Read<std::uint64_t>();
  time_ns_ = in.Read<std::int64_t>();
  running_.Set(in.Read<DigestBytes>());
  in.Require(sequence_ > 0 && sequence_ <= kSequenceMax && time_ns_ <= kTimeNsMax,
             "a sequence or a time that cannot be");
  registry_.Load(in);
  products_.Load(in, registry_);
  if (in.ok()) LoadProducts(in);
  if (!in.ok()) return false;
  games_.Load(in, rounds_.scratch());
  matching_.Load(in);
  rounds_.Load(in);
  CheckPhases(in);
  in.Require(in.Read<std::uint64_t>() == memory_.orders.free_chunks(), "another room for orders");
  if (in.ok() && !in.AtEnd()) {
    registry_.LoadCertificates(in);
    if (in.AtEnd()) in.Require(registry_.has_certificates(), "certificates without any");
  }
  if (in.ok() && !in.AtEnd()) {
    registry_.SetEntryVersion(in.Read<std::uint32_t>());
    const std::uint32_t version = registry_.entry_version();
    in.Require(version > 1 && version <= kEntryVersion, "a version of order entry that is none");
    LoadTraded(in);
  }
  in.Require(in.AtEnd(), "more than a state");
  if (!in.ok()) return false;
  products_.RefreshAll();
  return true;
}

// And finds that the books hold the open orders that the accounts have.
void Exchange::Impl::LoadProducts(StateReader& in) {
  std::vector<std::uint32_t> party_of(registry_.account_count());
  std::vector<std::uint32_t> open(registry_.account_count());
  for (std::uint32_t i = 0; i < party_of.size(); ++i) party_of[i] = registry_.account(i).party;
  products_.ForEach([&](Product& product) {
    if (!in.ok()) return;
    LoadProduct(in, product, memory_, registry_, {.party_of = party_of});
    if (!in.ok()) return;
    product.book.ForEachOrder(memory_, [&](const OrderChunk& chunk, std::uint32_t at) {
      if (chunk.open_wh[at] > 0) ++open[chunk.account[at]];
    });
  });
  for (std::uint32_t i = 0; i < open.size(); ++i) {
    in.Require(open[i] == registry_.account(i).open_orders, "an account with other open orders");
  }
}

// Whatever is being done to a product, somebody goes on with it.
void Exchange::Impl::CheckPhases(StateReader& in) {
  products_.ForEach([&in](const Product& product) {
    in.Require(product.phase != Phase::kClearing || product.drained, "a clear that nobody ends");
    in.Require(product.phase != Phase::kPlaying || product.game != nullptr, "a game without one");
  });
}

void Exchange::Save(StateWriter& out) const { impl_->Save(out); }
bool Exchange::Load(StateReader& in) { return impl_->Load(in); }

DigestBytes Exchange::StateDigest() const {
  Digest digest;
  StateWriter out([&digest](std::span<const std::byte> bytes) { digest.Add(bytes); });
  impl_->Save(out);
  out.Finish();
  return digest.Finish();
}

const MarketDefinition* Exchange::FindMarket(MarketId id) const {
  const std::uint32_t index = impl_->registry_.FindMarket(id);
  return index == kNoIndex ? nullptr : &impl_->registry_.market(index);
}
const MeteringPointBody* Exchange::FindMeteringPoint(MeteringPointId id) const {
  const std::uint32_t index = impl_->registry_.FindMeteringPoint(id);
  return index == kNoIndex ? nullptr : &impl_->registry_.metering_point(index);
}
const AccountBody* Exchange::FindAccount(AccountId id) const {
  const std::uint32_t index = impl_->registry_.FindAccount(id);
  return index == kNoIndex ? nullptr : &impl_->registry_.account(index).definition;
}
const CredentialBody* Exchange::FindCredential(CredentialId id) const {
  const std::uint32_t index = impl_->registry_.FindCredential(id);
  return index == kNoIndex ? nullptr : &impl_->registry_.credential(index).definition;
}
std::array<CertificateHash, kCertificatesACredential> Exchange::FindCertificates(
    CredentialId id) const {
  const std::uint32_t index = impl_->registry_.FindCredential(id);
  if (index == kNoIndex) return {};
  return impl_->registry_.credential(index).certificates;
}
const GenesisBody& Exchange::genesis() const { return impl_->genesis_; }
std::vector<std::pair<CredentialId, std::uint64_t>> Exchange::next_events() const {
  Registry& registry = impl_->registry_;
  std::vector<std::pair<CredentialId, std::uint64_t>> numbers;
  for (std::uint32_t i = 0; i < registry.credential_count(); ++i) {
    const Credential& credential = registry.credential(i);
    numbers.emplace_back(credential.definition.id, credential.next_emitted);
  }
  return numbers;
}

ExchangeSize Exchange::size() const {
  Registry& registry = impl_->registry_;
  ExchangeSize size{.accounts = registry.account_count(),
                    .credentials = registry.credential_count()};
  for (std::uint32_t i = 0; i < size.credentials; ++i) {
    const CredentialKind kind = registry.credential(i).definition.kind;
    size.devices += kind == CredentialKind::kDevice ? 1 : 0;
  }
  for (std::uint32_t i = 0; i < registry.market_count(); ++i) {
    const MarketDefinition& market = registry.market(i);
    const std::uint64_t products = OpenProductsMost(market);
    size.products_most += products;
    if (RuleOf(market).continuous) {
      size.queue_bytes += products * ContinuousBook::QueueBytes(market.band_levels);
    }
  }
  return size;
}

}  // namespace engine
