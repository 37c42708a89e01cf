#include "engine/runtime/recovery.h"

#include <array>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/check.h"

namespace engine {
namespace {

void DrainToNowhere(Exchange& exchange) {
  std::array<Event, 256> events;
  while (exchange.Draining()) exchange.Drain(events);
}

std::string Describe(const OutcomeBody& outcome) {
  return absl::StrCat("result ", static_cast<int>(outcome.result), ", ", outcome.energy_wh,
                      " Wh at ", outcome.buy_price_ticks, " and ", outcome.sell_price_ticks,
                      " ticks, balance ", outcome.operator_balance_units, ", in ", outcome.fills,
                      " fills, rule ", static_cast<int>(outcome.rule.rule), " version ",
                      outcome.rule.rule_version, ", digest ", ToHex(outcome.digest));
}

absl::Status OutcomeDiffers(CommandView command, const std::optional<OutcomeBody>& computed) {
  const auto journaled = command.Items<OutcomeBody>();
  if (journaled.size() != 1) {
    return absl::DataLossError(absl::StrCat("sequence ", command.header().sequence,
                                            ": an outcome record of another layout"));
  }
  const OutcomeBody& outcome = journaled.front();
  return absl::DataLossError(
      absl::StrCat("sequence ", command.header().sequence, ": market ",
                   static_cast<std::uint32_t>(outcome.product.market), " product ",
                   outcome.product.start_minute, " (minutes since 1970, UTC) round ", outcome.round,
                   " comes out otherwise than the journal has it. Journal: ", Describe(outcome),
                   ". This program: ", computed ? Describe(*computed) : "no round was closed here",
                   ". Start the version that wrote the journal"));
}

}  // namespace

absl::Status Replay(CommandView command, Exchange& exchange) {
  const CommandHeader& header = command.header();
  const bool follows = header.sequence == exchange.sequence() + 1 &&
                       header.time_ns >= exchange.time_ns() && !IsQuery(header.type);
  if (!follows) {
    return absl::DataLossError(absl::StrCat("sequence ", header.sequence, " at ", header.time_ns,
                                            " ns cannot follow sequence ", exchange.sequence(),
                                            " at ", exchange.time_ns(), " ns"));
  }
  if (header.type == CommandType::kOutcome) {
    const std::optional<OutcomeBody> computed = exchange.TakeOutcome();
    if (exchange.Apply(command)) return absl::OkStatus();
    return OutcomeDiffers(command, computed);
  }
  DrainToNowhere(exchange);
  const bool takes = !IsFromClient(header.type) || exchange.Screen(command);
  if (takes && exchange.Apply(command)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("sequence ", header.sequence, ": a command of type ",
                                          static_cast<int>(header.type),
                                          " that contradicts the state it meets"));
}

absl::StatusOr<Recovery> RecoverExchange(Disk& disk, const ReadOptions& options,
                                         Exchange& exchange) {
  CHECK(options.from_sequence == 1 && exchange.sequence() == 0);
  Recovery recovery;
  absl::StatusOr<JournalTail> tail =
      Recover(disk, options, [&exchange, &recovery](CommandView command) {
        if (command.header().type == CommandType::kOutcome) ++recovery.rounds;
        return Replay(command, exchange);
      });
  if (!tail.ok()) return tail.status();
  DrainToNowhere(exchange);
  recovery.sequence = exchange.sequence();
  recovery.digest = exchange.StateDigest();
  recovery.tail = *std::move(tail);
  return recovery;
}

}  // namespace engine
