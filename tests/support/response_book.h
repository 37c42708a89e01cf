// Books of bids that respond to the price, as tests of the rules that take them need them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"
#include "tests/support/naive_stackelberg.h"
#include "tests/support/random_source.h"

namespace engine {

// A book of orders whose prices are levels over the band's low end, each of a party of its own.
class ResponseBook {
 public:
  explicit ResponseBook(const std::vector<StackelbergOrder>& orders, std::int32_t band_low = 0)
      : memory(std::max(std::size_t{10'000}, 2 * orders.size())), orders_(orders.size()) {
    market.band_low_ticks = band_low;
    market.band_levels = kBandLevelsMax;
    market.rule.rule = Rule::kStackelberg;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const StackelbergOrder& order = orders[i];
      if (order.energy_wh == 0) continue;
      EXPECT_TRUE(book.Add(memory, {.side = order.side,
                                    .level = static_cast<std::uint16_t>(order.price - band_low),
                                    .energy_wh = static_cast<std::uint32_t>(order.energy_wh),
                                    .account = static_cast<std::uint32_t>(i),
                                    .party = static_cast<std::uint32_t>(i),
                                    .client_order_id = ClientOrderId{i},
                                    .order_id = OrderId{i},
                                    .response = order.response,
                                    .response_param = static_cast<std::uint32_t>(order.param)}));
    }
  }

  std::vector<std::uint64_t> Filled() {
    std::vector<std::uint64_t> filled(orders_);
    book.ForEachOrder(memory, [&](const OrderChunk& chunk, std::uint32_t at) {
      filled[chunk.account[at]] = chunk.filled_wh[at];
    });
    return filled;
  }

  MarketDefinition market;
  BookMemory memory;
  Book book;
  // One for all books, as in a shard: each clear leaves it zero for the next.
  ClearingScratch* const scratch = OneScratch();

 private:
  static ClearingScratch* OneScratch() {
    static const auto scratch = std::make_unique<ClearingScratch>();
    return scratch.get();
  }

  const std::size_t orders_;
};

// In the paper's units: prices are cents/kWh and energies kWh; a tick here is 0.1 cent, and a theta
// of 3 is 30,000.
struct Paper {
  double price;
  double energy;
};
inline std::vector<StackelbergOrder> PaperMarket(const std::vector<Paper>& bids,
                                                 const std::vector<Paper>& asks,
                                                 std::uint64_t theta) {
  std::vector<StackelbergOrder> orders;
  const auto add = [&](const Paper& paper, Side side) {
    orders.push_back({.side = side,
                      .price = std::lround(paper.price * 10),
                      .energy_wh = static_cast<std::uint64_t>(std::lround(paper.energy * 1'000)),
                      .response = side == Side::kBuy ? Response::kQuadratic : Response::kFixed,
                      .param = side == Side::kBuy ? theta * 10'000 : 0});
  };
  for (const Paper& bid : bids) add(bid, Side::kBuy);
  for (const Paper& ask : asks) add(ask, Side::kSell);
  return orders;
}

// Bids of all responses, some gone; prices from `low` up.
inline std::vector<StackelbergOrder> RandomResponseMarket(RandomSource& random, std::int64_t low) {
  std::vector<StackelbergOrder> orders(2 + random.Below(random.Below(8) == 0 ? 200 : 20));
  const std::uint64_t levels = 1 + random.Below(random.Below(2) == 0 ? 8 : 300);
  const std::uint64_t energies = 1 + random.Below(random.Below(3) == 0 ? 100'000 : 12);
  const std::uint64_t kinds = random.Below(4);
  for (StackelbergOrder& order : orders) {
    order.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    order.price = low + static_cast<std::int64_t>(random.Below(levels));
    order.energy_wh = random.Below(12) == 0 ? 0 : 1 + random.Below(energies);
    if (order.side == Side::kSell) continue;
    const std::uint64_t kind = kinds < 3 ? kinds : random.Below(3);
    order.response = static_cast<Response>(kind);
    if (kind == 1) order.param = 1 + random.Below(std::uint64_t{1} << (1 + random.Below(31)));
    if (kind == 2) order.param = 1 + random.Below(200'000);
  }
  return orders;
}

}  // namespace engine
