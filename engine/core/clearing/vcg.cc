#include "engine/core/clearing/vcg.h"

#include <utility>
#include <vector>

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/externality.h"
#include "engine/core/clearing/fill_amounts.h"

namespace engine {
namespace {

// What a party traded on one side, and what it has left there.
struct PartySide {
  std::uint64_t energy_wh = 0;
  std::vector<PartyFill> fills;
  std::vector<LeftAtLevel> left;

  void Forget() {
    energy_wh = 0;
    fills.clear();
    left.clear();
  }
};

class Payments {
 public:
  Payments(const Book& book, BookMemory& memory, std::int32_t band_low_ticks)
      : book_(book), memory_(memory), band_low_(band_low_ticks), numbers_(book, memory) {
    amounts_.resize(numbers_.fills());
  }

  void Pay(const Externality& buyers, const Externality& sellers) {
    book_.parties().ForEach([&](const PartyEntry& entry) {
      Gather(entry.party);
      PayFor(buyers, sides_[0]);
      PayFor(sellers, sides_[1]);
    });
  }
  ClearedRound Round(std::uint64_t energy_wh) {
    return AtAmounts(energy_wh, numbers_.buys(), std::move(amounts_));
  }

 private:
  void Gather(std::uint32_t party) {
    for (PartySide& side : sides_) side.Forget();
    book_.ForEachOfParty(memory_, party, [this](Slot slot) {
      const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
      const std::uint32_t at = slot % kChunkOrders;
      PartySide& side = sides_[static_cast<std::size_t>(chunk.side)];
      const std::uint32_t filled_wh = chunk.filled_wh[at];
      if (chunk.open_wh[at] > filled_wh) {
        side.left.push_back({chunk.level[at], chunk.open_wh[at] - filled_wh});
      }
      if (filled_wh == 0) return;
      side.energy_wh += filled_wh;
      side.fills.push_back({filled_wh, numbers_.Number(memory_, slot)});
    });
  }

  void PayFor(const Externality& externality, const PartySide& side) {
    if (side.energy_wh == 0) return;
    const auto over_band =
        static_cast<SignedWide>(externality.ForEnergy(side.energy_wh, side.left));
    SplitPayment(SignedWide{band_low_} * side.energy_wh + over_band, side.fills, amounts_);
  }

  const Book& book_;
  BookMemory& memory_;
  const std::int32_t band_low_;
  const FillNumbers numbers_;
  std::vector<std::int64_t> amounts_;
  PartySide sides_[2];
};

}  // namespace

ClearedRound ClearVcg(const Book& book, BookMemory& memory, const MarketDefinition& market,
                      ClearingScratch& scratch, RuleEntry::Fills /*fills*/) {
  const CountedSides sides(book, memory, scratch);
  const Crossing crossing = FindCrossing(book, sides);
  if (crossing.energy_wh == 0) return {};
  AllocateByTime(book, memory, crossing.bids);
  AllocateByTime(book, memory, crossing.asks);
  Payments payments(book, memory, market.band_low_ticks);
  payments.Pay(Externality(sides, crossing, Side::kBuy), Externality(sides, crossing, Side::kSell));
  ClearedRound round = payments.Round(crossing.energy_wh);
  const bool has_cap = market.rule.balance_account != AccountId{};
  if (has_cap && -round.operator_balance_units > market.rule.deficit_cap_units) {
    round = ClearedRound();
    round.no_trade = Reason::kDeficitOverCap;
  }
  return round;
}

}  // namespace engine
