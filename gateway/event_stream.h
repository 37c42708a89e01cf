// The events of one session on their way into frames: pieces are put together, fills gathered.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/event.h"
#include "gateway/frame_builder.h"

namespace gateway {

// Thread: one owner. What one wake-up brings is added, then flushed: the fills of a round for one
// session lie in as few frames as fit.
class EventStream {
 public:
  // Requires: max_frame_bytes from kDeviceFrameBytesMax to kFrameBytesMax.
  explicit EventStream(std::uint32_t max_frame_bytes = kDeviceFrameBytesMax)
      : max_frame_bytes_(max_frame_bytes) {}

  // Requires: events of this session in the order of the ring; none of kLogonMarket, kLogonAnswer.
  void Add(const engine::Event& event, FrameBuilder& builder, Bytes& out);

  // Appends what was held back for company. An answer still waits for its refusals.
  void Flush(FrameBuilder& builder, Bytes& out);

 private:
  void AddRefusals(const engine::RefusalsEvent& refusals, FrameBuilder& builder, Bytes& out);
  void AddFill(const engine::Event& event, FrameBuilder& builder, Bytes& out);
  void AddPriceCall(const engine::PriceCallEvent& call, FrameBuilder& builder, Bytes& out);
  void AddOpenOrder(const engine::OpenOrderEvent& order, FrameBuilder& builder, Bytes& out);

  std::uint32_t max_frame_bytes_;
  engine::AnswerEvent answer_;  // Waits while refused_ is shorter than it says.
  std::vector<engine::Refusal> refused_;
  std::uint64_t first_fill_ = 0;  // The event number of fills_[0].
  std::vector<engine::FillEvent> fills_;
  std::vector<engine::PriceCallEvent> calls_;  // Of one step.
  std::vector<engine::OpenOrderEvent> open_orders_;
};

}  // namespace gateway
