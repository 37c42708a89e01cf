// The exchange alone, without network or journal: for rounds and replays offline.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/core/entry_version.h"
#include "engine/core/exchange.h"
#include "engine/core/lottery_key.h"
#include "tools/peerwatt/command_bytes.h"

namespace tools {

// Commands are sequenced as a shard would; rounds open and close when their time comes. The secrets
// of lotteries are of the key zero, so that the same commands come to the same.
class BareEngine {
 public:
  // `hear` gets every event.
  explicit BareEngine(std::function<void(const engine::Event&)> hear) : hear_(std::move(hear)) {}

  // Every lottery from here on has this secret. Requires: it is not zero.
  void SetLotterySecret(const engine::LotteryBytes& secret) { secret_ = secret; }

  // Does what falls due up to the command's time, then the command.
  // Ensures: an error where the exchange refuses a definition, or a client command is out of turn.
  absl::Status Apply(engine::CommandView command);
  // Does what falls due up to then.
  absl::Status AdvanceTo(std::int64_t time_ns);
  // Closes the rounds that still have orders, or have traded without a clear. Products go on
  // opening for ever: the last of these decides when nothing is left to come to an end.
  absl::Status CloseOpenRounds();

  template <typename Body>
  absl::Status Apply(engine::CommandHeader header, std::span<const Body> bodies) {
    return Apply(made_.Set(header, bodies));
  }
  template <typename Body>
  absl::Status Define(engine::CommandType type, std::int64_t time_ns, const Body& body) {
    engine::CommandHeader header;
    header.type = type;
    header.version = engine::NewestVersion(type);
    header.time_ns = time_ns;
    return Apply(header, std::span<const Body>(&body, 1));
  }

  const engine::Exchange& exchange() const { return exchange_; }
  const std::vector<engine::OutcomeBody>& outcomes() const { return outcomes_; }

 private:
  absl::Status Sequence(engine::CommandView command, std::int64_t time_ns);
  absl::Status Do(const engine::DueCommand& due);
  void Drain();
  void Follow(const engine::Event& event);

  engine::Exchange exchange_;
  std::set<std::pair<engine::MarketId, std::uint32_t>> trading_;  // Continuously, before their end.
  std::function<void(const engine::Event&)> hear_;
  CommandBytes made_;       // By the caller, through the templates.
  CommandBytes sequenced_;  // The copy that carries sequence and time.
  CommandBytes due_;
  std::vector<engine::Event> events_ = std::vector<engine::Event>(1'024);
  std::vector<engine::OutcomeBody> outcomes_;
  const engine::LotteryKey lottery_;
  std::optional<engine::LotteryBytes> secret_;
};

}  // namespace tools
