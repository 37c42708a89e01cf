// Outbox files that programs of every format have written: each is read to the events that lie in
// text beside it. They are never written anew: a format that changes gets others.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "engine/outbox/event_store.h"
#include "tests/support/random_source.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

constexpr char kFormatFolder[] = PEERWATT_GOLDEN "/outbox_format_1";
constexpr char kEventsFile[] = "events.txt";
constexpr std::uint32_t kCredentials = 3;
constexpr std::uint64_t kCovered = 40;  // By the golden files.
constexpr std::uint64_t kFiles = 2;

EventStoreOptions GoldenStore() {
  EventStoreOptions options;
  options.folder = "shard-0";
  options.identity = {.cluster_id = {std::byte{7}, std::byte{1}}, .shard = 3};
  return options;
}

std::string BytesOf(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Calls field(name, value) for each field; the values may be changed.
template <typename Body, typename Field>
void OrderFields(Body& body, Field field) {
  field("account", body.account);
  field("client_order_id", body.client_order_id);
  field("order", body.order);
}
template <typename Body, typename Field>
void ProductFields(Body& body, Field field) {
  field("market", body.product.market);
  field("start_minute", body.product.start_minute);
}
template <typename SomeEvent, typename Field>
void ForEachField(SomeEvent& event, Field field) {
  if (event.type == EventType::kFill) {
    auto& fill = event.fill;
    OrderFields(fill, field);
    ProductFields(fill, field);
    field("amount_units", fill.amount_units);
    field("price_ticks", fill.price_ticks);
    field("energy_wh", fill.energy_wh);
    field("open_wh", fill.open_wh);
    field("round", fill.round);
    field("side", fill.side);
  } else if (event.type == EventType::kRoundCleared) {
    auto& cleared = event.round_cleared;
    ProductFields(cleared, field);
    field("round", cleared.round);
    field("rounds", cleared.rounds);
    field("energy_wh", cleared.energy_wh);
    field("operator_balance_units", cleared.operator_balance_units);
    field("buy_price_ticks", cleared.buy_price_ticks);
    field("sell_price_ticks", cleared.sell_price_ticks);
    field("orders", cleared.orders);
    field("fills", cleared.fills);
    field("no_trade", cleared.no_trade);
    field("result", cleared.result);
    field("carry_over", cleared.carry_over);
  } else if (event.type == EventType::kRoundVoid) {
    auto& is_void = event.round_void;
    ProductFields(is_void, field);
    field("round", is_void.round);
    field("rounds", is_void.rounds);
    field("reason", is_void.reason);
    field("carry_over", is_void.carry_over);
  } else {
    auto& cancelled = event.order_cancelled;
    OrderFields(cancelled, field);
    ProductFields(cancelled, field);
    field("open_wh", cancelled.open_wh);
    field("reason", cancelled.reason);
  }
}

std::string TextOf(const Event& event) {
  std::string text = absl::StrCat("credential=", static_cast<std::uint32_t>(event.credential),
                                  " event=", event.event_number, " sequence=", event.sequence,
                                  " type=", static_cast<unsigned>(event.type));
  ForEachField(event, [&text](const char* name, auto value) {
    if constexpr (std::is_enum_v<decltype(value)>) {
      absl::StrAppend(&text, " ", name, "=",
                      +static_cast<std::underlying_type_t<decltype(value)>>(value));
    } else {
      absl::StrAppend(&text, " ", name, "=", +value);
    }
  });
  return text + "\n";
}

// With a value of its own in every byte of every field.
Event RandomEvent(RandomSource& random, EventType type) {
  Event event;
  event.type = type;
  event.round_cleared = {};
  if (type == EventType::kFill) event.fill = {};
  if (type == EventType::kRoundVoid) event.round_void = {};
  if (type == EventType::kOrderCancelled) event.order_cancelled = {};
  ForEachField(event, [&random](const char*, auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(random.Next());
  });
  return event;
}

// All that a start finds there, credential by credential.
std::string AllEventsOf(EventStore& store) {
  std::string text;
  std::vector<Event> piece(16);
  for (std::uint32_t id = 1; id <= kCredentials; ++id) {
    const EventStore::Kept kept = store.KeptOf(CredentialId{id});
    EXPECT_EQ(kept.first, 1u);
    for (std::uint64_t number = kept.first; number < kept.next;) {
      const absl::StatusOr<std::size_t> count = store.Read(CredentialId{id}, number, piece);
      if (!count.ok()) return absl::StrCat(text, count.status().ToString());
      for (std::size_t i = 0; i < *count; ++i) text += TextOf(piece[i]);
      number += *count;
    }
  }
  return text;
}

// Beside the text; "outbox-*.log" would not be a name of this tree.
std::string NameOf(std::uint64_t file) { return absl::StrCat("file_", file, ".log"); }

void PutFile(std::uint64_t number, SimDisk& disk) {
  const std::string bytes = BytesOf(std::filesystem::path(kFormatFolder) / NameOf(number));
  ASSERT_FALSE(bytes.empty());
  auto file = disk.Create(absl::StrCat(GoldenStore().folder, "/", OutboxFileName(number)));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->WriteAt(std::as_bytes(std::span(bytes)), 0).ok());
}

TEST(GoldenOutbox, IsReadToTheEventsThatItWasWrittenOf) {
  SimDisk disk;
  for (std::uint64_t file = 1; file <= kFiles; ++file) PutFile(file, disk);
  const auto store = EventStore::Open(disk, GoldenStore());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->damaged().empty());
  EXPECT_EQ((*store)->covered(), kCovered);
  const std::string told = BytesOf(std::filesystem::path(kFormatFolder) / kEventsFile);
  for (const unsigned type : {16u, 17u, 18u, 19u}) {
    EXPECT_NE(told.find(absl::StrCat(" type=", type, " ")), std::string::npos);
  }
  EXPECT_EQ(AllEventsOf(**store), told);
}

// What this program would add to the golden files: to a folder that the environment names.
TEST(GoldenOutbox, CanBeWritten) {
  SimDisk disk;
  RandomSource random(1);
  std::vector<std::uint64_t> numbers(kCredentials);
  std::vector<std::string> told(kCredentials);
  for (std::uint64_t start = 0; start < kFiles; ++start) {
    const auto store = EventStore::Open(disk, GoldenStore());
    ASSERT_TRUE(store.ok()) << store.status();
    for (std::uint64_t i = 1; i <= kCovered / kFiles; ++i) {
      Event event = RandomEvent(random, static_cast<EventType>(16 + random.Below(4)));
      const std::size_t to = random.Below(kCredentials);
      event.credential = CredentialId{static_cast<std::uint32_t>(to + 1)};
      event.event_number = ++numbers[to];
      event.sequence = start * kCovered / kFiles + i;
      (*store)->Add(event, static_cast<std::int64_t>(i));
      (*store)->Cover(event.sequence);
      if (random.Below(4) == 0) (*store)->Write(static_cast<std::int64_t>(i));
      told[to] += TextOf(event);
    }
    (*store)->Sync(1);
    EXPECT_EQ((*store)->synced(), (start + 1) * kCovered / kFiles);
    EXPECT_EQ(AllEventsOf(**store), absl::StrCat(told[0], told[1], told[2]));
  }
  const char* folder = std::getenv("PEERWATT_WRITE_GOLDEN");
  if (folder == nullptr) return;
  std::ofstream(absl::StrCat(folder, "/", kEventsFile)) << told[0] << told[1] << told[2];
  for (std::uint64_t file = 1; file <= kFiles; ++file) {
    const auto& bytes = disk.Bytes(absl::StrCat(GoldenStore().folder, "/", OutboxFileName(file)));
    std::ofstream(absl::StrCat(folder, "/", NameOf(file)), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace
}  // namespace engine
