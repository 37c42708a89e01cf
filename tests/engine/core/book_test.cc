#include "engine/core/book.h"

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

NewOrder Order(std::uint32_t party, std::uint64_t id, Side side = Side::kBuy,
               std::uint32_t energy = 10, std::uint16_t level = 5) {
  return {.side = side,
          .level = level,
          .energy_wh = energy,
          .account = party,
          .party = party,
          .client_order_id = ClientOrderId{id},
          .order_id = OrderId{1'000 * std::uint64_t{party} + id}};
}

// Ids of a side's open orders, oldest first.
std::vector<std::uint64_t> OpenIds(const Book& book, const BookMemory& memory, Side side) {
  std::vector<std::uint64_t> ids;
  for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;) {
    const OrderChunk& chunk = memory.orders.chunk(at);
    for (std::uint32_t i = 0; i < chunk.used; ++i) {
      if (chunk.open_wh[i] > 0) ids.push_back(static_cast<std::uint64_t>(chunk.order_id[i]));
    }
    at = chunk.next;
  }
  return ids;
}

TEST(Book, KeepsTheIdOfAWithdrawnOrderTaken) {
  BookMemory memory(1'000);
  Book book;
  ASSERT_TRUE(book.Add(memory, Order(1, 7)));
  const Slot slot = book.Find(memory, 1, 1, ClientOrderId{7});
  book.Withdraw(memory, slot);
  EXPECT_EQ(book.Find(memory, 1, 1, ClientOrderId{7}), slot);
  EXPECT_TRUE(OpenIds(book, memory, Side::kBuy).empty());
}

TEST(Book, PutsAMovedOrderLast) {
  BookMemory memory(1'000);
  Book book;
  for (std::uint32_t party = 1; party <= 3; ++party) {
    ASSERT_TRUE(book.Add(memory, Order(party, 1)));
  }
  const Slot slot = book.Find(memory, 1, 1, ClientOrderId{1});
  ASSERT_TRUE(book.Move(memory, slot, 1, Order(1, 1, Side::kBuy, 20)));
  EXPECT_EQ(OpenIds(book, memory, Side::kBuy), (std::vector<std::uint64_t>{2'001, 3'001, 1'001}));
}

TEST(Book, ChangesNothingWhenTheMemoryIsUsedUp) {
  BookMemory memory(std::uint64_t{2} * kChunkOrders);
  Book book;
  for (std::uint32_t i = 0; i < 2 * kChunkOrders; ++i) {
    ASSERT_TRUE(book.Add(memory, Order(i, 1)));
  }
  EXPECT_FALSE(book.Add(memory, Order(9'999, 1)));
  EXPECT_EQ(book.Find(memory, 9'999, 9'999, ClientOrderId{1}), kNoSlot);
  EXPECT_EQ(book.slots(), 2 * kChunkOrders);
  book.Clear(memory);
  EXPECT_EQ(memory.orders.free_chunks(), 2u);
  EXPECT_TRUE(book.Add(memory, Order(9'999, 1)));
  book.Clear(memory);
}

// The slow twin: a list per side, in order of arrival.
struct NaiveBook {
  struct Entry {
    std::uint64_t order_id = 0;
    std::uint32_t open = 0;
    bool moved = false;
  };
  std::vector<Entry> sides[2];

  Entry* Find(std::uint64_t order_id) {
    for (auto& side : sides) {
      for (Entry& entry : side) {
        if (entry.order_id == order_id && !entry.moved) return &entry;
      }
    }
    return nullptr;
  }
  std::vector<std::uint64_t> OpenIds(Side side) const {
    std::vector<std::uint64_t> ids;
    for (const Entry& entry : sides[static_cast<std::size_t>(side)]) {
      if (entry.open > 0) ids.push_back(entry.order_id);
    }
    return ids;
  }
};

void ChangeOne(RandomSource& random, BookMemory& memory, Book& book, NaiveBook& naive) {
  const auto party = static_cast<std::uint32_t>(random.Below(40));
  const std::uint64_t id = random.Below(12);
  const Slot slot = book.Find(memory, party, party, ClientOrderId{id});
  NaiveBook::Entry* entry = naive.Find(1'000 * std::uint64_t{party} + id);
  ASSERT_EQ(slot == kNoSlot, entry == nullptr);
  if (slot == kNoSlot) {
    const Side side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    const NewOrder order = Order(party, id, side);
    ASSERT_TRUE(book.Add(memory, order));
    naive.sides[static_cast<std::size_t>(side)].push_back(
        {static_cast<std::uint64_t>(order.order_id), order.energy_wh});
    return;
  }
  const OrderChunk& chunk = memory.orders.ChunkOf(slot);
  ASSERT_EQ(chunk.open_wh[slot % kChunkOrders], entry->open);
  if (entry->open == 0) return;
  const std::uint64_t act = random.Below(16);
  if (act == 0) {
    book.Withdraw(memory, slot);
    entry->open = 0;
  } else if (act == 1 && entry->open > 1) {
    book.Reduce(memory, slot, --entry->open);
  } else {
    const Side side = chunk.side;
    ASSERT_TRUE(book.Move(memory, slot, party, Order(party, id, side, entry->open)));
    entry->moved = true;
    const NaiveBook::Entry moved{entry->order_id, entry->open};
    entry->open = 0;
    naive.sides[static_cast<std::size_t>(side)].push_back(moved);
  }
}

// Enough replaces for the book to close its gaps many times over.
TEST(Book, AgreesWithAListThroughAnyHistory) {
  for (std::uint64_t seed = 0; seed < Repeats(4, 40); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    BookMemory memory(100'000);
    Book book;
    NaiveBook naive;
    for (int step = 0; step < 6'000; ++step) {
      ASSERT_NO_FATAL_FAILURE(ChangeOne(random, memory, book, naive));
    }
    for (const Side side : {Side::kBuy, Side::kSell}) {
      EXPECT_EQ(OpenIds(book, memory, side), naive.OpenIds(side));
    }
    EXPECT_LT(book.slots(), 6'000u);
    book.Clear(memory);
    EXPECT_EQ(memory.orders.free_chunks(), (100'000u + kChunkOrders - 1) / kChunkOrders);
  }
}

}  // namespace
}  // namespace engine
