// What a simulated controller hears, and holds against what is due.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_controller.h"
#include "tests/support/told_events.h"

namespace engine {
namespace {

bool SameRefusals(std::span<const Refusal> some, const std::vector<Refusal>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(),
                    [](const Refusal& a, const Refusal& b) {
                      return a.index == b.index && a.reason == b.reason;
                    });
}

std::string NameOf(Reason reason) { return std::string(ReasonName(reason)); }

}  // namespace

void SimController::OnLogonAnswer(const gateway::LogonAnswerMessage& message) {
  if (message.reason == Reason::kEventsGone) {
    if (!desk_.events_may_be_gone) Fault(absl::StrCat("event ", next_event_, " is gone"));
    if (message.next_event <= next_event_) Fault("events are gone that it has");
    next_event_ = message.next_event;
    newest_event_ = std::max(newest_event_, next_event_);
    ++desk_.gone;
    return;
  }
  if (message.reason != Reason::kNone) {
    return Fault(absl::StrCat("its logon is refused: ", NameOf(message.reason)));
  }
  ++desk_.logons;
  if (message.next_event != next_event_) Fault("events begin elsewhere than it asked");
  if (message.next_client_seq <= answered_) Fault("a command that was answered is forgotten");
  if (message.next_client_seq > sent_.size() + 1) Fault("a command that was never sent is known");
  ready_ = true;
  resend_ = true;
}

void SimController::OnPostponed(const gateway::AnswerMessage& message) {
  const Reason reason = message.answer.reason;
  const bool old = reason == Reason::kSequenceTooOld;
  if (old && message.answer.client_seq + kAnswersKept > sent_.size()) {
    return Fault(absl::StrCat("answer ", message.answer.client_seq, " is not kept"));
  }
  if (reason == Reason::kSequenceGap && message.answer.expected_client_seq <= answered_) {
    return Fault("a command that was answered is expected again");
  }
  const bool postpones = reason == Reason::kBusy || reason == Reason::kThrottled ||
                         reason == Reason::kDiskFull || reason == Reason::kSequenceGap;
  if (!postpones && !old && reason != Reason::kMalformed && reason != Reason::kUnknownMessage) {
    return Fault(absl::StrCat("not done: ", NameOf(reason)));
  }
  ++desk_.postponed;
  resend_ = resend_ || postpones;
}

void SimController::OnAnswer(const gateway::AnswerMessage& message) {
  const AnswerEvent& heard = message.answer;
  if (message.message == gateway::MessageType::kListOpenOrders ||
      message.message == gateway::MessageType::kListProducts) {
    return;  // Busy with the one before.
  }
  if (!message.sequenced) return OnPostponed(message);
  const std::uint64_t seq = heard.client_seq;
  const ReferenceAnswer* const due = desk_.reference.FindAnswer(credential_, seq);
  if (due == nullptr || seq > sent_.size()) {
    return Fault(absl::StrCat("an answer to ", seq, ", which is not on disk"));
  }
  const bool same = heard.time_ns == due->answer.time_ns &&
                    heard.command_sequence == due->answer.command_sequence &&
                    heard.command == due->answer.command && heard.reason == due->answer.reason &&
                    heard.items == due->answer.items &&
                    SameRefusals(message.refused, due->refusals);
  if (!same) {
    return Fault(absl::StrCat("the answer to ", seq, " is ", NameOf(heard.reason), ", ",
                              heard.refused, " of ", heard.items, " refused; due is ",
                              NameOf(due->answer.reason), ", ", due->answer.refused));
  }
  if (seq > over_behind_) return Fault("its orders left with a session before this one");
  CheckInTime(sent_[seq - 1], *due);
  ++(sent_[seq - 1].answered ? desk_.resends_answered : desk_.answers);
  sent_[seq - 1].answered = true;
  while (answered_ < sent_.size() && sent_[answered_].answered) ++answered_;
}

// Nobody is late whose frame was read before the gate, the last time that it was sent; and all are
// who were not read before it.
void SimController::CheckInTime(const Sent& sent, const ReferenceAnswer& answer) {
  for (const Refusal& refusal : answer.refusals) {
    if (refusal.reason != Reason::kGateClosed && refusal.reason != Reason::kClearing) continue;
    const auto gate = first_gates_.find(sent.products[refusal.index]);
    if (gate == first_gates_.end() || sent.stamp_ns >= gate->second) continue;
    Fault(absl::StrCat("item ", refusal.index, " of an order that was read ",
                       gate->second - sent.stamp_ns, " ns before the gate is late"));
  }
  for (std::size_t i = 0; i < sent.products.size(); ++i) {
    const auto gate = last_gates_.find(sent.products[i]);
    if (gate == last_gates_.end() || sent.first_ns < gate->second) continue;
    const bool refused = std::any_of(answer.refusals.begin(), answer.refusals.end(),
                                     [i](const Refusal& one) { return one.index == i; });
    if (!refused) Fault(absl::StrCat("item ", i, " was read behind the last gate and is done"));
  }
}

void SimController::HearNumbered(std::uint64_t number, const Event& event) {
  const std::vector<Event>& due = desk_.reference.Numbered(credential_);
  if (number != next_event_) {
    return Fault(absl::StrCat("event ", number, " where ", next_event_, " is due"));
  }
  if (number > due.size()) return Fault(absl::StrCat("event ", number, " is not on disk"));
  Event numbered = event;
  numbered.credential = credential_;
  numbered.event_number = number;
  if (EventFields(numbered) != EventFields(due[number - 1])) {
    return Fault(absl::StrCat("event ", number, " is told otherwise"));
  }
  ++(next_event_ < newest_event_ ? desk_.events_again : desk_.events);
  newest_event_ = std::max(newest_event_, ++next_event_);
}

void SimController::OnRoundCleared(std::uint64_t event, const RoundClearedEvent& round) {
  Event numbered;
  numbered.type = EventType::kRoundCleared;
  numbered.round_cleared = round;
  HearNumbered(event, numbered);
}

void SimController::OnFills(std::uint64_t first_event, std::span<const FillEvent> fills) {
  for (const FillEvent& fill : fills) {
    Event numbered;
    numbered.type = EventType::kFill;
    numbered.fill = fill;
    const bool again = first_event < newest_event_;
    HearNumbered(first_event++, numbered);
    if (again) continue;
    const std::int64_t sign = fill.side == Side::kBuy ? 1 : -1;
    auto& [energy, money] = desk_.balance[{fill.product, fill.round}];
    energy += sign * std::int64_t{fill.energy_wh};
    money += sign * fill.amount_units;
    ++desk_.fills;
  }
}

void SimController::OnRoundVoid(std::uint64_t event, const RoundVoidEvent& round) {
  Event numbered;
  numbered.type = EventType::kRoundVoid;
  numbered.round_void = round;
  HearNumbered(event, numbered);
}

void SimController::OnOrderCancelled(std::uint64_t event, const OrderCancelledEvent& order) {
  Event numbered;
  numbered.type = EventType::kOrderCancelled;
  numbered.order_cancelled = order;
  HearNumbered(event, numbered);
}

void SimController::OnProductOpened(const ProductOpenedEvent& product) {
  band_lows_[product.product.market] = product.band_low_ticks;
  if (product.round == 1) first_gates_.emplace(product.product, product.gate_ns);
  if (product.round == product.rounds) last_gates_.emplace(product.product, product.gate_ns);
}

void SimController::OnOpenOrders(const gateway::OpenOrdersMessage& message) {
  for (const OpenOrderEvent& order : message.orders) {
    open_orders_.push_back({.account = order.account,
                            .client_order_id = order.client_order_id,
                            .product = order.product,
                            .open_wh = order.open_wh,
                            .limit_ticks = order.limit_ticks});
  }
  if (!message.end) return;
  // The rest of a list that it asked for on another connection.
  if (message.query <= queries_before_) return open_orders_.clear();
  if (message.total != open_orders_.size()) Fault("a list of open orders with a gap");
  std::sort(open_orders_.begin(), open_orders_.end());
  open_orders_heard_ = std::exchange(open_orders_, {});
}

// It hangs on no order that could still be lost.
void SimController::OnIndicative(const IndicativeEvent& indicative) {
  ++desk_.indicatives;
  if (desk_.reference.WasIndicative(indicative)) return;
  Fault(absl::StrCat("an indicative price of ", indicative.price_ticks, " for ",
                     indicative.energy_wh, " Wh that no state on disk has"));
}

void SimController::OnTerminate(const gateway::TerminateMessage& message) {
  ++desk_.terminated[message.reason];
}

}  // namespace engine
