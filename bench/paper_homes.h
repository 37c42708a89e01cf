// The homes of the paper's study, each with a connection of its own to a real daemon.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "engine/core/command.h"
#include "gateway/client/client.h"

namespace bench {

// From where orders are drawn, uniformly, in ticks: 0.1 cent/kWh, the step of the study's prices.
struct PaperRanges {
  std::int32_t bid_low = 0;
  std::int32_t bid_high = 0;
  std::int32_t ask_low = 0;
  std::int32_t ask_high = 0;
  std::uint32_t theta = 0;  // Of all buyers, ticks per MWh: 10,000 is a cent/kWh per kWh.
};
// As the paper says, and as its authors' program has it.
inline constexpr PaperRanges kTextRanges{50, 220, 50, 220, 30'000};
inline constexpr PaperRanges kCodeRanges{140, 220, 50, 130, 40'000};

struct PaperOrder {
  engine::Side side{};
  std::int32_t limit_ticks = 0;
  std::uint32_t energy_wh = 0;
};
// Half of them buyers, of 0.1 to 5 kWh each; the same seed draws the same.
std::vector<PaperOrder> DrawPaperOrders(const PaperRanges& ranges, std::uint32_t participants,
                                        std::uint64_t seed);

std::string PaperToken(std::uint32_t home);  // From 1; its credential and account are so too.

// What one round came to.
struct PaperRound {
  std::int64_t last_told_ns = 0;  // From the gate until the last home knew its outcome.
  std::uint32_t steps = 0;
  std::uint64_t prices_called = 0;
  std::int32_t price_ticks = 0;
  std::uint64_t energy_wh = 0;
};

// Thread: the caller's.
class PaperHomes {
 public:
  // Ensures: all are logged on. Buyers answer by `theta`.
  PaperHomes(std::uint16_t port, const std::vector<PaperOrder>& orders, std::uint32_t theta);
  ~PaperHomes();
  PaperHomes(const PaperHomes&) = delete;
  PaperHomes& operator=(const PaperHomes&) = delete;

  // Enters every order for the first slot whose gate is at least `lead_ms` of real time away, plays
  // and waits. A daemon that refuses one or does not tell all in time stops this program.
  // Requires: 5-minute slots with a gate an hour before delivery.
  PaperRound Play(std::int64_t lead_ms);

 private:
  class Home;

  const Home& BestClock() const;

  boost::asio::io_context io_{1};
  gateway::ClientDesk desk_{io_};
  std::vector<std::unique_ptr<Home>> homes_;
};

}  // namespace bench
