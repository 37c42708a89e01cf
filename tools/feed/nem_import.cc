#include "tools/feed/nem_import.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/command.h"
#include "engine/core/limits.h"
#include "tools/feed/home_market.h"
#include "tools/feed/nem_tables.h"

namespace tools {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// What the import changed.
struct Counts {
  std::uint64_t bids = 0;
  std::uint64_t asks = 0;
  std::uint64_t demand = 0;
  std::uint64_t negative_prices = 0;
  std::uint64_t prices_rounded = 0;
  std::uint64_t energies_rounded = 0;
  std::int64_t lost_watt_minutes = 0;  // By rounding energy.
  std::uint64_t cut_to_availability = 0;
  std::uint64_t without_energy = 0;
  std::uint64_t without_dispatch = 0;
  std::uint64_t outside_band = 0;
  std::uint64_t at_opening = 0;
  std::uint64_t at_gate = 0;
};

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << counts.asks << " asks, " << counts.bids << " bids of scheduled loads, "
             << counts.demand << " bids of regional demand; " << counts.negative_prices
             << " prices below zero\n"
             << counts.prices_rounded << " prices rounded to a tick (bids down, asks up); "
             << counts.energies_rounded << " energies rounded down, by "
             << counts.lost_watt_minutes / 60 << " Wh in all\n"
             << "bands: " << counts.cut_to_availability << " cut down to the unit's availability, "
             << counts.without_energy << " left out with no energy left, "
             << counts.without_dispatch << " left out of units that the dispatch file lacks, "
             << counts.outside_band << " left out with a price outside the band\n"
             << "orders: " << counts.at_opening << " moved to their product's opening, "
             << counts.at_gate << " to its gate\n";
}

// One order and when it leaves.
struct Departure {
  std::int64_t time_ns = 0;
  std::uint32_t participant = 0;
  engine::OrderBody order;
};

// What a participant offers for one slot, before anything is rounded or moved.
struct Offer {
  std::uint32_t participant = 0;
  std::uint32_t start_minute = 0;
  engine::Side side{};
  std::uint64_t id = 0;  // Client order id.
  std::int64_t ticks = 0;
  std::int64_t watts = 0;
  std::int64_t offered_s = 0;
};

class NemImporter {
 public:
  NemImporter(const NemImportOptions& options, NemTables tables, FeedWriter& feed)
      : options_(options), tables_(std::move(tables)), feed_(feed) {}

  absl::Status Run() {
    if (auto s = MakeMarket(); !s.ok()) return s;
    for (std::size_t i = 0; i < tables_.bands.size(); ++i) AddBand(i);
    for (const NemDemand& demand : tables_.demand) AddDemand(demand);
    if (departures_.empty()) return absl::InvalidArgumentError("these files hold no order");
    std::ranges::stable_sort(departures_, {}, [](const Departure& d) {
      return std::tuple(d.time_ns, d.participant, d.order.product.start_minute);
    });
    if (auto s = Define(); !s.ok()) return s;
    return Send();
  }

  const Counts& counts() const { return counts_; }

 private:
  absl::Status MakeMarket() {
    market_.id = engine::MarketId(1);
    market_.slot_minutes = options_.interval_minutes;
    market_.band_low_ticks = options_.floor_ticks;
    market_.band_levels = static_cast<std::uint32_t>(
        std::max<std::int64_t>(0, std::int64_t{options_.cap_ticks} - options_.floor_ticks + 1));
    market_.open_before_s = options_.open_before_s;
    market_.gate_before_s = options_.gate_before_s;
    market_.min_notice_s = 0;
    market_.order_max_wh = static_cast<std::uint32_t>(engine::kOrderEnergyMaxWh);
    if (!engine::IsPossible(market_) || options_.demand_lead_s >= options_.open_before_s) {
      return absl::InvalidArgumentError(
          "no market has this interval, these prices and these times: intervals of 5, 15, 30 or 60 "
          "minutes, at most 65,536 ticks from floor to cap, open before the gate");
    }
    return SetTerms({.name = "NEM",
                     .zone = options_.zone,
                     .currency = "AUD",
                     .retail_ticks = options_.cap_ticks,
                     .feed_in_ticks = options_.floor_ticks},
                    market_);
  }

  void AddBand(std::size_t index) {
    const NemBand& band = tables_.bands[index];
    const NemBand* before = index == 0 ? nullptr : &tables_.bands[index - 1];
    if (before == nullptr || before->participant != band.participant ||
        before->start_minute != band.start_minute || before->side != band.side) {
      const auto found =
          tables_.available_watts.find(NemTables::Key(band.participant, band.start_minute));
      dispatched_ = found != tables_.available_watts.end();
      left_watts_ = dispatched_ ? std::max<std::int64_t>(0, found->second) : 0;
    }
    if (!dispatched_) {
      ++counts_.without_dispatch;
      return;
    }
    const std::int64_t watts = std::min(band.watts, left_watts_);
    left_watts_ -= watts;
    const bool sells = band.side == engine::Side::kSell;
    // Bands of a unit that both makes and takes energy have numbers of their own for each side.
    const std::uint64_t id = band.band + (sells ? 0 : 1'000);
    if (Add({.participant = band.participant,
             .start_minute = band.start_minute,
             .side = band.side,
             .id = id,
             .ticks = Ticks(band),
             .watts = watts,
             .offered_s = band.offered_s})) {
      ++(sells ? counts_.asks : counts_.bids);
      if (watts < band.watts) ++counts_.cut_to_availability;
      if (band.price % kNemUnit != 0) ++counts_.prices_rounded;
      if (band.price < 0) ++counts_.negative_prices;
    }
  }

  void AddDemand(const NemDemand& demand) {
    if (Add({.participant = demand.participant,
             .start_minute = demand.start_minute,
             .side = engine::Side::kBuy,
             .id = 1,
             .ticks = options_.cap_ticks,
             .watts = demand.watts,
             .offered_s = GateSecond(demand.start_minute) - options_.demand_lead_s})) {
      ++counts_.demand;
    }
  }

  // Rounded down for a bid and up for an ask: neither trades where it would not have.
  static std::int64_t Ticks(const NemBand& band) {
    const std::int64_t down = band.price / kNemUnit - (band.price % kNemUnit < 0 ? 1 : 0);
    const bool whole = band.price % kNemUnit == 0;
    return band.side == engine::Side::kSell && !whole ? down + 1 : down;
  }

  std::int64_t GateSecond(std::uint32_t start_minute) const {
    return std::int64_t{start_minute} * 60 - options_.gate_before_s;
  }

  // Ensures: false where there is nothing to order.
  bool Add(const Offer& offer) {
    if (offer.ticks < options_.floor_ticks || offer.ticks > options_.cap_ticks) {
      ++counts_.outside_band;
      return false;
    }
    const std::int64_t watt_minutes = offer.watts * options_.interval_minutes;
    const std::int64_t energy_wh = watt_minutes / 60;
    if (energy_wh <= 0) {
      ++counts_.without_energy;
      return false;
    }
    if (watt_minutes % 60 != 0) ++counts_.energies_rounded;
    counts_.lost_watt_minutes += watt_minutes % 60;
    const std::int64_t opening = std::int64_t{offer.start_minute} * 60 - options_.open_before_s;
    const std::int64_t last = GateSecond(offer.start_minute) - 1;
    if (offer.offered_s < opening) ++counts_.at_opening;
    if (offer.offered_s > last) ++counts_.at_gate;
    departures_.push_back(
        {.time_ns = std::clamp(offer.offered_s, opening, last) * kNsPerSecond,
         .participant = offer.participant,
         .order = {.account = engine::AccountId(offer.participant + 1),
                   .client_order_id = engine::ClientOrderId(offer.id),
                   .product = {.market = market_.id, .start_minute = offer.start_minute},
                   .limit_ticks = static_cast<std::int32_t>(offer.ticks),
                   .energy_wh = static_cast<std::uint32_t>(energy_wh),
                   .side = offer.side}});
    return true;
  }

  absl::Status Define() {
    const std::int64_t at = departures_.front().time_ns;
    const engine::GenesisBody genesis{.order_capacity = departures_.size() * 2 + 65'536};
    if (auto s = feed_.Define(engine::CommandType::kGenesis, at, genesis); !s.ok()) return s;
    if (auto s = feed_.Define(engine::CommandType::kDefineMarket, at, market_); !s.ok()) return s;
    for (std::uint32_t i = 1; i <= tables_.participants.size(); ++i) {
      const engine::MeteringPointBody point{.id = engine::MeteringPointId(i)};
      const engine::CredentialBody credential{.id = engine::CredentialId(i),
                                              .kind = engine::CredentialKind::kAggregator};
      const engine::AccountBody account{.id = engine::AccountId(i),
                                        .party = engine::PartyId(i),
                                        .metering_point = engine::MeteringPointId(i),
                                        .market = market_.id,
                                        .credential = engine::CredentialId(i)};
      for (const absl::Status& s :
           {feed_.Define(engine::CommandType::kDefineMeteringPoint, at, point),
            feed_.Define(engine::CommandType::kDefineCredential, at, credential),
            feed_.Define(engine::CommandType::kDefineAccount, at, account)}) {
        if (!s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  // What one participant sends at one time is one frame.
  absl::Status Send() {
    std::vector<engine::OrderBody> frame;
    for (std::size_t i = 0; i < departures_.size(); ++i) {
      frame.push_back(departures_[i].order);
      const bool last = i + 1 == departures_.size() || frame.size() == engine::kFrameOrdersMax ||
                        departures_[i + 1].time_ns != departures_[i].time_ns ||
                        departures_[i + 1].participant != departures_[i].participant;
      if (!last) continue;
      auto s = feed_.Append(engine::CommandType::kSubmitOrders, departures_[i].time_ns,
                            engine::CredentialId(departures_[i].participant + 1),
                            std::span<const engine::OrderBody>(frame));
      if (!s.ok()) return s;
      frame.clear();
    }
    return absl::OkStatus();
  }

  const NemImportOptions& options_;
  const NemTables tables_;
  FeedWriter& feed_;
  engine::MarketDefinition market_;
  std::vector<Departure> departures_;
  Counts counts_;
  bool dispatched_ = false;      // Of the unit and slot whose bands are being added.
  std::int64_t left_watts_ = 0;  // Of its availability.
};

}  // namespace

absl::Status ImportNem(const NemImportOptions& options, FeedWriter& feed, std::ostream& report) {
  auto tables = ReadNemTables(options);
  if (!tables.ok()) return tables.status();
  NemImporter importer(options, *std::move(tables), feed);
  if (auto s = importer.Run(); !s.ok()) return s;
  report << importer.counts();
  return absl::OkStatus();
}

}  // namespace tools
