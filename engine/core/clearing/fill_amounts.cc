#include "engine/core/clearing/fill_amounts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "engine/core/check.h"

namespace engine {
namespace {

std::uint32_t CountFills(const OrderChunk& chunk, std::uint32_t before) {
  std::uint32_t fills = 0;
  for (std::uint32_t at = 0; at < before; ++at) fills += chunk.filled_wh[at] > 0 ? 1 : 0;
  return fills;
}

}  // namespace

SignedWide DivideWideDown(SignedWide value, std::uint64_t divisor) {
  const SignedWide quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

FillNumbers::FillNumbers(const Book& book, BookMemory& memory) {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;) {
      const OrderChunk& chunk = memory.orders.chunk(at);
      if (first_of_chunk_.size() <= at) first_of_chunk_.resize(at + std::size_t{1});
      first_of_chunk_[at] = fills_;
      fills_ += CountFills(chunk, chunk.used);
      at = chunk.next;
    }
    if (side == Side::kBuy) buys_ = fills_;
  }
}

std::uint32_t FillNumbers::Number(const BookMemory& memory, Slot slot) const {
  return first_of_chunk_[slot / kChunkOrders] +
         CountFills(memory.orders.ChunkOf(slot), slot % kChunkOrders);
}

void SplitPayment(SignedWide payment_units, const std::vector<PartyFill>& fills,
                  std::vector<std::int64_t>& amounts_units) {
  std::uint64_t energy_wh = 0;
  for (const PartyFill& fill : fills) energy_wh += fill.energy_wh;
  CHECK(energy_wh > 0);
  // The mean by itself first, so that no product needs more than 128 bits.
  const SignedWide mean = DivideWideDown(payment_units, energy_wh);
  const auto over = static_cast<std::uint64_t>(payment_units - mean * energy_wh);
  std::vector<std::pair<std::uint64_t, std::size_t>> remainders;  // The largest first.
  std::uint64_t left = over;
  for (std::size_t i = 0; i < fills.size(); ++i) {
    const Wide part = Wide{over} * fills[i].energy_wh;
    const auto whole = static_cast<std::uint64_t>(part / energy_wh);
    amounts_units[fills[i].number] =
        static_cast<std::int64_t>(mean * fills[i].energy_wh + SignedWide{whole});
    left -= whole;
    remainders.emplace_back(UINT64_MAX - static_cast<std::uint64_t>(part % energy_wh), i);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; i < left; ++i) ++amounts_units[fills[remainders[i].second].number];
}

ClearedRound AtAmounts(std::uint64_t energy_wh, std::uint32_t buys,
                       std::vector<std::int64_t> amounts_units) {
  std::array<SignedWide, 2> money = {0, 0};
  for (std::size_t i = 0; i < amounts_units.size(); ++i) {
    money[i < buys ? 0 : 1] += amounts_units[i];
  }
  const SignedWide balance = money[0] - money[1];
  CHECK(balance >= INT64_MIN && balance <= INT64_MAX);
  ClearedRound round;
  round.energy_wh = energy_wh;
  round.buy_price_ticks = static_cast<std::int32_t>(DivideWideDown(money[0], energy_wh));
  round.sell_price_ticks = static_cast<std::int32_t>(DivideWideDown(money[1], energy_wh));
  round.operator_balance_units = static_cast<std::int64_t>(balance);
  round.amounts_units = std::move(amounts_units);
  return round;
}

}  // namespace engine
