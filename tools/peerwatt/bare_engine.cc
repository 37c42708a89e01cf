#include "tools/peerwatt/bare_engine.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace tools {
namespace {

// Beyond any product that can be open.
constexpr std::int64_t kAfterLastNs = std::int64_t{8} * 86'400 * 1'000'000'000;

}  // namespace

void BareEngine::Drain() {
  while (exchange_.Draining()) {
    const std::size_t count = exchange_.Drain(events_);
    for (std::size_t i = 0; i < count; ++i) {
      Follow(events_[i]);
      hear_(events_[i]);
    }
  }
}

// A continuous market tells its fills before the outcome, and no more of a product after it.
void BareEngine::Follow(const engine::Event& event) {
  if (event.type == engine::EventType::kFill) {
    const engine::ProductId& product = event.fill.product;
    const bool ended = !outcomes_.empty() && outcomes_.back().product == product;
    if (!ended) trading_.insert({product.market, product.start_minute});
  } else if (event.type == engine::EventType::kRoundCleared) {
    const engine::ProductId& product = event.round_cleared.product;
    trading_.erase({product.market, product.start_minute});
  }
}

absl::Status BareEngine::Sequence(engine::CommandView command, std::int64_t time_ns) {
  sequenced_.Copy(command);
  sequenced_.header().sequence = exchange_.sequence() + 1;
  sequenced_.header().time_ns = std::max(time_ns, exchange_.time_ns());
  const engine::CommandView view(&sequenced_.header());
  if (engine::IsFromClient(view.header().type) && !exchange_.Screen(view)) {
    Drain();
    return absl::InvalidArgumentError(
        absl::StrCat("client command ", view.header().client_seq, " of credential ",
                     static_cast<std::uint32_t>(view.header().credential), " is out of turn"));
  }
  if (!exchange_.Apply(view)) {
    return absl::InvalidArgumentError(absl::StrCat("the exchange refuses a command of type ",
                                                   static_cast<std::uint16_t>(view.header().type),
                                                   " at sequence ", view.header().sequence));
  }
  if (const std::optional<engine::OutcomeBody> outcome = exchange_.TakeOutcome()) {
    outcomes_.push_back(*outcome);
    engine::CommandHeader header;
    header.type = engine::CommandType::kOutcome;
    const absl::Status status =
        Sequence(due_.Set(header, std::span<const engine::OutcomeBody>(&*outcome, 1)), time_ns);
    if (!status.ok()) return status;
  }
  Drain();
  return absl::OkStatus();
}

absl::Status BareEngine::Do(const engine::DueCommand& due) {
  engine::CommandHeader header;
  header.type = due.type;
  engine::ProductBody body = due.body;
  body.lottery =
      secret_ ? engine::AnswerWith(*secret_, due.lottery) : lottery_.Answer(exchange_, due);
  return Sequence(due_.Set(header, std::span<const engine::ProductBody>(&body, 1)), due.due_ns);
}

absl::Status BareEngine::AdvanceTo(std::int64_t time_ns) {
  for (;;) {
    const std::optional<engine::DueCommand> due = exchange_.NextDue();
    if (!due || due->due_ns > time_ns) return absl::OkStatus();
    const absl::Status status = Do(*due);
    if (!status.ok()) return status;
  }
}

absl::Status BareEngine::CloseOpenRounds() {
  const std::int64_t end_ns = exchange_.time_ns() + kAfterLastNs;
  while (exchange_.open_orders() > 0 || !trading_.empty()) {
    const std::optional<engine::DueCommand> due = exchange_.NextDue();
    if (!due || due->due_ns > end_ns) return absl::OkStatus();
    if (absl::Status status = AdvanceTo(due->due_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status BareEngine::Apply(engine::CommandView command) {
  const std::int64_t time_ns = command.header().time_ns;
  if (command.header().type >= engine::CommandType::kSubmitOrders) {
    const absl::Status status = AdvanceTo(time_ns);
    if (!status.ok()) return status;
  }
  return Sequence(command, time_ns);
}

}  // namespace tools
