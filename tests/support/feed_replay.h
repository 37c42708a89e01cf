// Runs a feed through a bare exchange and counts what became of it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/exchange.h"
#include "engine/core/lottery_key.h"
#include "tools/feed/feed_file.h"

namespace tools {

class FeedReplay {
 public:
  // Applies the whole feed and, behind it, every round that is still due.
  explicit FeedReplay(const std::string& path) {
    auto feed = FeedReader::Open(path);
    EXPECT_TRUE(feed.ok()) << feed.status();
    while (feed.ok()) {
      const auto command = feed->Next();
      EXPECT_TRUE(command.ok()) << command.status();
      if (!command.ok() || !command->has_value()) break;
      Play(**command);
    }
    LetTimePass(exchange.time_ns() + std::int64_t{2} * 86'400 * 1'000'000'000);
  }

  engine::Exchange exchange;
  std::map<engine::Reason, std::uint64_t> refused;
  std::map<std::uint32_t, std::int32_t> prices;  // Of rounds that traded, by start_minute.
  std::uint64_t traded_wh = 0;
  std::uint64_t fills = 0;
  std::uint64_t rounds = 0;

 private:
  template <typename Body>
  void Apply(engine::CommandType type, std::int64_t time_ns, const Body& body) {
    const engine::CommandHeader header{
        .time_ns = time_ns, .length = sizeof(header) + sizeof(body), .type = type, .count = 1};
    alignas(8) std::array<std::byte, sizeof(header) + sizeof(body)> bytes{};
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + sizeof(header), &body, sizeof(body));
    Apply(engine::CommandView(reinterpret_cast<const engine::CommandHeader*>(bytes.data())));
  }

  void Apply(engine::CommandView command) {
    std::vector<std::uint64_t> words(command.bytes().size() / 8);
    std::memcpy(words.data(), command.bytes().data(), command.bytes().size());
    auto* header = reinterpret_cast<engine::CommandHeader*>(words.data());
    header->sequence = exchange.sequence() + 1;
    ASSERT_TRUE(exchange.Apply(engine::CommandView(header)))
        << "type " << static_cast<int>(header->type);
    const std::optional<engine::OutcomeBody> outcome = exchange.TakeOutcome();
    if (outcome) Apply(engine::CommandType::kOutcome, header->time_ns, *outcome);
    Drain();
  }

  void Play(engine::CommandView command) {
    if (!engine::IsFromClient(command.header().type)) return Apply(command);
    LetTimePass(command.header().time_ns);
    ASSERT_TRUE(exchange.Screen(command));
    Apply(command);
  }

  void LetTimePass(std::int64_t until_ns) {
    for (;;) {
      const std::optional<engine::DueCommand> due = exchange.NextDue();
      if (!due || due->due_ns > until_ns) return;
      engine::ProductBody body = due->body;
      body.lottery = engine::LotteryKey().Answer(exchange, *due);
      Apply(due->type, std::max(exchange.time_ns(), due->due_ns), body);
    }
  }

  void Drain() {
    std::array<engine::Event, 64> events;
    while (exchange.Draining()) {
      const std::size_t count = exchange.Drain(events);
      for (const engine::Event& event : std::span(events).first(count)) Count(event);
    }
  }

  void Count(const engine::Event& event) {
    switch (event.type) {
      case engine::EventType::kRefusals:
        for (const auto& r : std::span(event.refusals.refusals).first(event.refusals.count)) {
          ++refused[r.reason];
        }
        break;
      case engine::EventType::kAnswer:
        if (event.answer.reason != engine::Reason::kNone) ++refused[event.answer.reason];
        break;
      case engine::EventType::kFill:
        ++fills;
        prices[event.fill.product.start_minute] = event.fill.price_ticks;
        if (event.fill.side == engine::Side::kBuy) traded_wh += event.fill.energy_wh;
        break;
      case engine::EventType::kRoundCleared:
        ++rounds;
        break;
      default:
        break;
    }
  }
};

}  // namespace tools
