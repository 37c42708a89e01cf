#include "tools/feed/bidding_policy.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/command.h"
#include "engine/core/limits.h"
#include "tools/feed/seeded_draw.h"

namespace tools {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kEarliestLeadMs = 3'600'000;
constexpr std::int64_t kForecastErrorPermille = 200;

// One credential's orders for one slot leave at `time_ns`.
struct Departure {
  std::int64_t time_ns = 0;
  std::uint32_t credential = 0;  // From 0.
  std::uint32_t slot = 0;
  bool correction = false;

  friend auto operator<=>(const Departure&, const Departure&) = default;
};

class HomeBidders {
 public:
  HomeBidders(const NetLoad& loads, const engine::MarketDefinition& market,
              const BiddingPolicy& policy, FeedWriter& feed)
      : loads_(loads), span_(loads.span()), market_(market), policy_(policy), feed_(feed) {}

  absl::Status Check() const {
    const std::int64_t earliest_s = market_.gate_before_s + kEarliestLeadMs / 1'000;
    if (!engine::IsPossible(market_) || span_.slot_minutes != market_.slot_minutes) {
      return absl::InvalidArgumentError(
          "the market is impossible or has other slots than the load");
    }
    if (span_.homes == 0 || span_.homes > INT32_MAX || span_.slots == 0) {
      return absl::InvalidArgumentError("no home, no slot, or too many homes");
    }
    if (policy_.home_shade_permille + policy_.slot_shade_permille > 1'000 ||
        policy_.homes_per_credential == 0 || policy_.last_lead_s >= kEarliestLeadMs / 1'000) {
      return absl::InvalidArgumentError(
          "shades above 1,000 permille, no home per credential, or a last lead of an hour");
    }
    const std::int64_t burst_begins_s = std::int64_t{policy_.last_lead_s} + policy_.burst_s;
    if (policy_.burst_permille > 1'000 ||
        (policy_.burst_permille > 0 && burst_begins_s >= kEarliestLeadMs / 1'000)) {
      return absl::InvalidArgumentError(
          "a burst above 1,000 permille, or one that begins an hour before the gate");
    }
    if (market_.open_before_s < earliest_s) {
      return absl::InvalidArgumentError(absl::StrCat("orders come up to ", earliest_s,
                                                     " s before delivery, and a product opens ",
                                                     market_.open_before_s, " s before it"));
    }
    return absl::OkStatus();
  }

  absl::Status Define() {
    const std::int64_t at = EarliestNs(0);
    engine::GenesisBody genesis;
    genesis.order_capacity = (3'600 / (span_.slot_minutes * 60) + 4) * (span_.homes * 3 + 256);
    if (auto s = feed_.Define(engine::CommandType::kGenesis, at, genesis); !s.ok()) return s;
    if (auto s = feed_.Define(engine::CommandType::kDefineMarket, at, market_); !s.ok()) return s;
    for (std::size_t c = 0; c < Credentials(); ++c) {
      const engine::CredentialBody credential{
          .id = engine::CredentialId(static_cast<std::uint32_t>(c) + 1),
          .kind = policy_.homes_per_credential == 1 ? engine::CredentialKind::kDevice
                                                    : engine::CredentialKind::kAggregator};
      auto s = feed_.Define(engine::CommandType::kDefineCredential, at, credential);
      if (!s.ok()) return s;
    }
    for (std::size_t home = 0; home < span_.homes; ++home) {
      if (auto s = DefineHome(at, home); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status Bid() {
    std::vector<Departure> waiting;
    for (std::size_t slot = 0; slot < span_.slots; ++slot) {
      const std::int64_t settled = EarliestNs(slot);
      const auto first_late =
          std::partition(waiting.begin(), waiting.end(),
                         [settled](const Departure& d) { return d.time_ns >= settled; });
      std::vector<Departure> due(first_late, waiting.end());
      waiting.erase(first_late, waiting.end());
      if (auto s = Send(due); !s.ok()) return s;
      for (std::size_t c = 0; c < Credentials(); ++c) AddDepartures(c, slot, waiting);
    }
    return Send(waiting);
  }

 private:
  std::size_t Credentials() const {
    return (span_.homes + policy_.homes_per_credential - 1) / policy_.homes_per_credential;
  }
  std::uint32_t StartMinute(std::size_t slot) const {
    return span_.start_minute + static_cast<std::uint32_t>(slot) * span_.slot_minutes;
  }
  // The first round's gate: what is late for it is in time for the next.
  std::int64_t GateNs(std::size_t slot) const {
    const std::int64_t before =
        market_.gate_before_s + std::int64_t{market_.rounds - 1} * market_.round_interval_s;
    return (std::int64_t{StartMinute(slot)} * 60 - before) * kNsPerSecond;
  }
  std::int64_t EarliestNs(std::size_t slot) const {
    return GateNs(slot) - kEarliestLeadMs * 1'000'000;
  }

  absl::Status DefineHome(std::int64_t at, std::size_t home) {
    const std::uint64_t id = home + 1;
    const engine::MeteringPointBody point{.id = engine::MeteringPointId(id),
                                          .import_limit_w = policy_.connection_limit_w,
                                          .export_limit_w = policy_.connection_limit_w};
    const auto credential = static_cast<std::uint32_t>(home / policy_.homes_per_credential) + 1;
    const engine::AccountBody account{.id = engine::AccountId(id),
                                      .party = engine::PartyId(id),
                                      .metering_point = engine::MeteringPointId(id),
                                      .market = market_.id,
                                      .credential = engine::CredentialId(credential)};
    auto s = feed_.Define(engine::CommandType::kDefineMeteringPoint, at, point);
    return s.ok() ? feed_.Define(engine::CommandType::kDefineAccount, at, account) : s;
  }

  void AddDepartures(std::size_t credential, std::size_t slot, std::vector<Departure>& out) const {
    const auto first = Draw(policy_.seed, DrawFor::kLead, credential, slot);
    const auto second = Draw(policy_.seed, DrawFor::kLeadAgain, credential, slot);
    const std::int64_t last_ms = std::int64_t{policy_.last_lead_s} * 1'000;
    const bool waits = Between(Draw(policy_.seed, DrawFor::kBurst, credential, slot), 0, 999) <
                       policy_.burst_permille;
    const std::int64_t lead_ms =
        last_ms + (waits ? Between(first, 0, std::int64_t{policy_.burst_s} * 1'000)
                         : Between(second, 0, Between(first, 0, kEarliestLeadMs - last_ms)));
    const std::int64_t again_ms =
        Between(Draw(policy_.seed, DrawFor::kCorrectionLead, credential, slot), last_ms, lead_ms);
    Departure departure{.time_ns = GateNs(slot) - lead_ms * 1'000'000,
                        .credential = static_cast<std::uint32_t>(credential),
                        .slot = static_cast<std::uint32_t>(slot)};
    out.push_back(departure);
    departure.time_ns = GateNs(slot) - again_ms * 1'000'000;
    departure.correction = true;
    out.push_back(departure);
  }

  absl::Status Send(std::vector<Departure>& departures) {
    std::sort(departures.begin(), departures.end());
    for (const Departure& departure : departures) {
      if (auto s = SendOrders(departure); !s.ok()) return s;
    }
    departures.clear();
    return absl::OkStatus();
  }

  absl::Status SendOrders(const Departure& departure) {
    const std::size_t begin = std::size_t{departure.credential} * policy_.homes_per_credential;
    const std::size_t end = std::min(begin + policy_.homes_per_credential, span_.homes);
    orders_.clear();
    for (std::size_t home = begin; home < end; ++home) {
      const std::int64_t net = loads_.NetWh(departure.slot, home);
      const std::int64_t forecast = Forecast(departure.slot, home, net);
      const std::int64_t energy = departure.correction ? net : forecast;
      const bool sends = departure.correction ? net != forecast : forecast != 0;
      if (!sends) continue;
      if (std::abs(energy) > market_.order_max_wh) {
        return absl::OutOfRangeError(
            absl::StrCat("home ", home + 1, " in slot ", departure.slot, ": ", std::abs(energy),
                         " Wh is over the market's ", market_.order_max_wh));
      }
      orders_.push_back(MakeOrder(departure.slot, home, energy));
    }
    const auto type = departure.correction ? engine::CommandType::kReplaceOrders
                                           : engine::CommandType::kSubmitOrders;
    for (std::size_t at = 0; at < orders_.size(); at += engine::kFrameOrdersMax) {
      const std::size_t count = std::min<std::size_t>(orders_.size() - at, engine::kFrameOrdersMax);
      auto s = feed_.Append(type, departure.time_ns, engine::CredentialId(departure.credential + 1),
                            std::span<const engine::OrderBody>(orders_).subspan(at, count));
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // What the home first bids for: of the same sign as `net`, and `net` itself where it never errs.
  std::int64_t Forecast(std::size_t slot, std::size_t home, std::int64_t net) const {
    const auto draw = Draw(policy_.seed, DrawFor::kCorrects, home, slot);
    if (Between(draw, 0, 999) >= policy_.corrections_permille) return net;
    const std::int64_t off = Between(Draw(policy_.seed, DrawFor::kForecast, home, slot),
                                     -kForecastErrorPermille, kForecastErrorPermille);
    const std::int64_t forecast = net + net * off / 1'000;
    return forecast == 0 ? net : forecast;
  }

  engine::OrderBody MakeOrder(std::size_t slot, std::size_t home, std::int64_t energy) const {
    const std::int64_t shade =
        Between(Draw(policy_.seed, DrawFor::kHomeShade, home), 0, policy_.home_shade_permille) +
        Between(Draw(policy_.seed, DrawFor::kSlotShade, home, slot), 0,
                policy_.slot_shade_permille);
    const std::int64_t span = std::int64_t{market_.retail_ticks} - market_.feed_in_ticks;
    const std::int64_t off = span * shade / 1'000;
    const bool buys = energy > 0;
    return {.account = engine::AccountId(home + 1),
            .client_order_id = engine::ClientOrderId(slot + 1),
            .product = {.market = market_.id, .start_minute = StartMinute(slot)},
            .limit_ticks = static_cast<std::int32_t>(buys ? market_.retail_ticks - off
                                                          : market_.feed_in_ticks + off),
            .energy_wh = static_cast<std::uint32_t>(std::abs(energy)),
            .side = buys ? engine::Side::kBuy : engine::Side::kSell};
  }

  const NetLoad& loads_;
  const LoadSpan span_;
  const engine::MarketDefinition& market_;
  const BiddingPolicy& policy_;
  FeedWriter& feed_;
  std::vector<engine::OrderBody> orders_;
};

}  // namespace

absl::Status WriteHomeOrders(const NetLoad& loads, const engine::MarketDefinition& market,
                             const BiddingPolicy& policy, FeedWriter& feed) {
  HomeBidders bidders(loads, market, policy, feed);
  if (auto s = bidders.Check(); !s.ok()) return s;
  if (auto s = bidders.Define(); !s.ok()) return s;
  return bidders.Bid();
}

}  // namespace tools
