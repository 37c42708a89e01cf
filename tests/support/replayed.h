// The exchange that a driver's journal makes again, in one go or by way of saved states.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"
#include "tests/support/saved_state.h"
#include "tests/support/told_events.h"

namespace engine {

// What it tells with a command, and the command's outcome taken.
inline std::vector<Event> Repeat(CommandView command, Exchange& exchange) {
  EXPECT_TRUE(!IsFromClient(command.header().type) || exchange.Screen(command));
  EXPECT_TRUE(exchange.Apply(command)) << "sequence " << command.header().sequence;
  exchange.TakeOutcome();
  std::vector<Event> told;
  while (exchange.Draining()) {
    std::vector<Event> piece(64);
    piece.resize(exchange.Drain(piece));
    told.insert(told.end(), piece.begin(), piece.end());
  }
  return told;
}

// Every command has to fit. Requires: the driver kept its journal.
inline Exchange Replayed(const ExchangeDriver& driver) {
  Exchange exchange;
  for (const OwnedCommand& command : driver.journal) Repeat(command.view(), exchange);
  return exchange;
}

inline void ExpectSame(const std::vector<Event>& some, const std::vector<Event>& others) {
  ASSERT_EQ(some.size(), others.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    const Event& a = some[i];
    const Event& b = others[i];
    ASSERT_EQ(a.type, b.type);
    ASSERT_EQ(a.sequence, b.sequence);
    ASSERT_EQ(a.credential, b.credential);
    ASSERT_EQ(a.event_number, b.event_number);
    const bool is_answer = a.type == EventType::kAnswer || a.type == EventType::kRefusals;
    if (!is_answer && a.event_number == 0) continue;
    ASSERT_EQ(EventFields(a), EventFields(b));
  }
}

// An exchange that goes on from a saved state tells the same events with each later command and
// comes to the same state as one that was never saved. Requires: the driver kept its journal.
inline void ExpectSameThroughStates(const ExchangeDriver& driver, std::uint64_t seed) {
  RandomSource random(seed);
  // A state holds every account: long journals, which are those of many, are saved less often.
  const std::size_t every = std::max<std::size_t>(kSanitized ? 64 : 8, driver.journal.size() / 64);
  Exchange plain;
  Exchange saved;
  for (const OwnedCommand& command : driver.journal) {
    ASSERT_NO_FATAL_FAILURE(
        ExpectSame(Repeat(command.view(), plain), Repeat(command.view(), saved)))
        << "sequence " << plain.sequence();
    if (random.Below(every) != 0) continue;
    const std::vector<std::byte> state = StateOf(saved);
    Exchange loaded;
    std::string error;
    ASSERT_TRUE(LoadState(state, 1 + random.Below(9'000), loaded, &error))
        << error << ", sequence " << plain.sequence();
    ASSERT_EQ(StateOf(loaded), state);
    ASSERT_EQ(loaded.open_orders(), plain.open_orders());
    saved = std::move(loaded);
  }
  EXPECT_EQ(plain.StateDigest(), saved.StateDigest());
}

}  // namespace engine
