// The homes that talk to a simulated process.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/told_events.h"

namespace engine {

inline constexpr std::uint32_t kHomes = 4;  // Home n has credential and account n.

// They outlive the process: what they sent, and what they were told.
struct Homes {
  const OwnedCommand& Sent(std::uint32_t home, std::uint64_t client_seq) const {
    return sent[home - 1][client_seq - 1];
  }
  void Hear(const Event& event) {
    if (event.type == EventType::kAnswer && WaitsForSpace(event)) {
      EXPECT_EQ(event.answer.command_sequence, 0u);
      without_space.emplace(event.credential, event.answer.client_seq);
      return;
    }
    if (event.event_number != 0 && !IsNext(event)) return;
    told.Hear(event);
    if (event.type != EventType::kLogonAnswer) return;
    EXPECT_EQ(event.logon_answer.reason, Reason::kNone);
    end_event[IndexOf(event)] = event.logon_answer.next_event;
    EXPECT_FALSE(told.Answered(event.credential, event.logon_answer.next_client_seq));
    EXPECT_FALSE(told.Numbered(event.credential, event.logon_answer.next_event));
  }

  // Refused, or behind one that was.
  bool WaitsForSpace(const Event& event) const {
    if (event.answer.reason == Reason::kDiskFull) return true;
    const auto first = without_space.lower_bound({event.credential, 0});
    return event.answer.reason == Reason::kSequenceGap && first != without_space.end() &&
           first->first == event.credential;
  }

  static std::size_t IndexOf(const Event& event) {
    return static_cast<std::size_t>(event.credential) - 1;
  }
  // Whether it is the one that the home waits for: numbers have no gaps. What happens while it
  // still hears what it missed is left to the outbox.
  bool IsNext(const Event& event) {
    std::uint64_t& next = next_event[IndexOf(event)];
    std::uint64_t& end = end_event[IndexOf(event)];
    if (event.event_number != next) {
      EXPECT_TRUE(catching_up && event.event_number > next)
          << "event " << event.event_number << " where " << next << " is due";
      end = std::max(end, event.event_number + 1);
      return false;
    }
    end = std::max(end, ++next);
    return true;
  }

  std::array<std::vector<OwnedCommand>, kHomes> sent;        // By client_seq.
  std::array<std::uint64_t, kHomes> next_event{1, 1, 1, 1};  // That was not heard yet, and
  std::array<std::uint64_t, kHomes> end_event{1, 1, 1, 1};   // behind what was told.
  bool catching_up = false;
  bool outbox_failed = false;  // Once: old events may have made room for new ones, say.
  ToldEvents told;
  std::set<std::pair<CredentialId, std::uint64_t>> without_space;  // To be sent again.
};

}  // namespace engine
