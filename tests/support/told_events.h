// What the clients of an exchange were told: nothing of it may be told otherwise later.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/event.h"

namespace engine {

// All that an event says, without the bytes between its fields.
class EventFields {
 public:
  explicit EventFields(const Event& event) {
    Add(event.type, event.credential, event.event_number);
    AddBody(event);
  }

  friend bool operator==(const EventFields&, const EventFields&) = default;
  friend void PrintTo(const EventFields& event, std::ostream* out) {
    *out << testing::PrintToString(event.fields_);
  }

 private:
  template <typename... Field>
  void Add(Field... field) {
    (fields_.push_back(static_cast<std::int64_t>(field)), ...);
  }
  void AddBody(const Event& event) {
    switch (event.type) {
      case EventType::kAnswer:
        return AddAnswer(event.answer);
      case EventType::kRefusals:
        for (std::size_t i = 0; i < event.refusals.count; ++i) {
          Add(event.refusals.refusals[i].index, event.refusals.refusals[i].reason);
        }
        return;
      case EventType::kRoundCleared:
        return AddRound(event.round_cleared);
      case EventType::kFill:
        return AddFill(event.fill);
      case EventType::kRoundVoid:
        Add(event.round_void.product.market, event.round_void.product.start_minute);
        return Add(event.round_void.round, event.round_void.rounds, event.round_void.reason,
                   event.round_void.carry_over);
      case EventType::kOrderCancelled:
        return AddCancelled(event.order_cancelled);
      default:
        ADD_FAILURE() << "an event of type " << static_cast<int>(event.type);
    }
  }
  void AddAnswer(const AnswerEvent& answer) {
    Add(answer.client_seq, answer.time_ns, answer.command_sequence, answer.expected_client_seq,
        answer.command, answer.reason, answer.items, answer.refused);
  }
  void AddRound(const RoundClearedEvent& round) {
    Add(round.product.market, round.product.start_minute, round.round, round.rounds,
        round.energy_wh, round.operator_balance_units, round.buy_price_ticks,
        round.sell_price_ticks, round.orders, round.fills, round.no_trade, round.result,
        round.carry_over);
  }
  void AddFill(const FillEvent& fill) {
    Add(fill.account, fill.client_order_id, fill.order, fill.product.market,
        fill.product.start_minute, fill.amount_units, fill.price_ticks, fill.energy_wh,
        fill.open_wh, fill.round, fill.side);
  }
  void AddCancelled(const OrderCancelledEvent& cancelled) {
    Add(cancelled.account, cancelled.client_order_id, cancelled.order, cancelled.product.market,
        cancelled.product.start_minute, cancelled.open_wh, cancelled.reason);
  }

  std::vector<std::int64_t> fields_;
};

// Answers and numbered events; what goes to everybody, and answers to questions, are not kept.
class ToldEvents {
 public:
  void Hear(const Event& event) {
    last_sequence_ = std::max(last_sequence_, event.sequence);
    if (event.type == EventType::kAnswer) {
      EXPECT_GT(event.answer.command_sequence, 0u) << "refused as out of sequence";
      last_answers_[event.credential] = {.client_seq = event.answer.client_seq, .parts = 0};
      HearPart(event);
    } else if (event.type == EventType::kRefusals) {
      HearPart(event);
    } else if (event.event_number != 0) {
      const EventFields fields(event);
      const Key key{event.credential, event.event_number};
      EXPECT_EQ(numbered_.try_emplace(key, fields).first->second, fields) << "told otherwise";
    }
  }

  bool Answered(CredentialId credential, std::uint64_t client_seq) const {
    return answers_.contains({credential, client_seq});
  }
  bool Numbered(CredentialId credential, std::uint64_t event_number) const {
    return numbered_.contains({credential, event_number});
  }
  std::size_t answers() const { return answers_.size(); }
  std::size_t numbered() const { return numbered_.size(); }
  // Of the events heard: with it all that was told must have been on disk.
  std::uint64_t last_sequence() const { return last_sequence_; }

  // Whether all that was told is, word for word, in what there was to tell.
  void ExpectPartOf(const ToldEvents& all) const {
    for (const auto& [key, answer] : answers_) {
      const auto found = all.answers_.find(key);
      ASSERT_NE(found, all.answers_.end())
          << "the answer to " << key.second << " of " << static_cast<int>(key.first) << " is gone";
      ASSERT_LE(answer.size(), found->second.size());
      EXPECT_TRUE(std::equal(answer.begin(), answer.end(), found->second.begin()))
          << testing::PrintToString(answer) << " and " << testing::PrintToString(found->second);
    }
    for (const auto& [key, event] : numbered_) {
      const auto found = all.numbered_.find(key);
      ASSERT_NE(found, all.numbered_.end())
          << "event " << key.second << " of " << static_cast<int>(key.first) << " is gone";
      EXPECT_EQ(event, found->second);
    }
  }
  // Requires: all that there was to tell.
  void ExpectNumberedWithoutGaps() const {
    Key before{};
    for (const auto& [key, event] : numbered_) {
      EXPECT_EQ(key.second, key.first == before.first ? before.second + 1 : 1);
      before = key;
    }
  }

 private:
  using Key = std::pair<CredentialId, std::uint64_t>;

  struct LastAnswer {
    std::uint64_t client_seq = 0;
    std::size_t parts = 0;  // Heard of it.
  };

  void HearPart(const Event& event) {
    LastAnswer& last = last_answers_[event.credential];
    std::vector<EventFields>& answer = answers_[{event.credential, last.client_seq}];
    const EventFields fields(event);
    if (last.parts == answer.size()) answer.push_back(fields);
    EXPECT_EQ(answer[last.parts], fields) << "answered otherwise";
    ++last.parts;
  }

  std::map<Key, std::vector<EventFields>> answers_;  // With its refusals, by client_seq.
  std::map<Key, EventFields> numbered_;              // By event number.
  std::map<CredentialId, LastAnswer> last_answers_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace engine
