#include "engine/core/clearing/vcg.h"

#include <utility>
#include <vector>

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/externality.h"
#include "engine/core/clearing/fill_amounts.h"
#include "engine/core/clearing/party_side.h"

namespace engine {
namespace {

class Payments {
 public:
  Payments(const Book& book, BookMemory& memory, std::int32_t band_low_ticks)
      : book_(book), memory_(memory), band_low_(band_low_ticks), numbers_(book, memory) {
    amounts_.resize(numbers_.fills());
  }

  void Pay(const Externality& buyers, const Externality& sellers) {
    book_.parties().ForEach([&](const PartyEntry& entry) {
      Gather(entry.party);
      PayClarke(buyers, sides_[0], band_low_, amounts_);
      PayClarke(sellers, sides_[1], band_low_, amounts_);
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
      const std::uint32_t filled_wh = chunk.filled_wh[at];
      const std::uint32_t number = filled_wh > 0 ? numbers_.Number(memory_, slot) : 0;
      sides_[static_cast<std::size_t>(chunk.side)].Add(chunk.level[at], chunk.open_wh[at],
                                                       {filled_wh, number});
    });
  }

  const Book& book_;
  BookMemory& memory_;
  const std::int32_t band_low_;
  const FillNumbers numbers_;
  std::vector<std::int64_t> amounts_;
  PartySide sides_[2];
};

}  // namespace

ClearedRound ClearVcg(const SealedBook& sealed, ClearingScratch& scratch,
                      RuleEntry::Fills /*fills*/) {
  const auto& [book, memory, market, secret] = sealed;
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
