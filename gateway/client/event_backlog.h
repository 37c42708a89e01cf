// What a client was told and nobody has looked at yet, as far as it is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>

#include "engine/core/event.h"

namespace gateway {

// A numbered event with what it says; or what all in a market are told, with number 0.
struct ClientEvent {
  std::uint64_t number = 0;
  std::variant<engine::RoundClearedEvent, engine::FillEvent, engine::RoundVoidEvent,
               engine::OrderCancelledEvent, engine::ProductOpenedEvent, engine::IndicativeEvent,
               engine::PriceCallEvent, engine::LotteryEvent>
      event;
};

// The newest kNumberedMax numbered events and the newest kUnnumberedMax others, in the order in
// which they came. A numbered one that had to go is missed by its number, and counted.
class EventBacklog {
 public:
  static constexpr std::size_t kNumberedMax = 65'536;
  static constexpr std::size_t kUnnumberedMax = 4'096;

  void Push(const ClientEvent& event);
  std::optional<ClientEvent> Pop();  // The oldest.
  bool empty() const { return numbered_.empty() && unnumbered_.empty(); }
  std::uint64_t dropped() const { return dropped_; }  // Numbered ones.

 private:
  struct Told {
    std::uint64_t place = 0;  // Among all that ever came.
    ClientEvent event;
  };

  std::deque<Told> numbered_;
  std::deque<Told> unnumbered_;
  std::uint64_t next_place_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace gateway
