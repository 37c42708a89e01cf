// Makes the daemon's frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/event.h"
#include "gateway/frame.h"
#include "gateway/terminate_reason.h"

namespace gateway {

using Bytes = std::vector<std::byte>;

struct LogonAnswerMessage {
  engine::Reason reason{};
  engine::CredentialKind kind{};
  std::uint16_t heartbeat_s = 0;
  std::uint32_t max_frame_bytes = 0;
  std::uint32_t orders_per_second = 0;
  std::uint32_t clock_factor = 1;
  std::uint64_t next_client_seq = 0;
  std::uint64_t next_event = 0;
  std::int64_t server_time_ns = 0;
  std::span<const engine::MarketId> markets;
};

// One piece of the answer to kListOpenOrders.
struct OpenOrdersMessage {
  std::uint64_t query = 0;
  bool end = false;
  std::uint32_t total = 0;
  std::span<const engine::OpenOrderEvent> orders;
};

// A buffer that is full now is empty again about a commit of the journal later.
inline constexpr std::uint32_t kBusyRetryMs = 5;
inline constexpr std::uint32_t kDiskFullRetryMs = 1'000;

// Each function appends one whole frame to `out`. The same arguments make the same bytes.
// Thread: one owner. Cost: a copy; allocates only where `out` or the longest frame so far grows.
class FrameBuilder {
 public:
  FrameBuilder();
  ~FrameBuilder();
  FrameBuilder(const FrameBuilder&) = delete;
  FrameBuilder& operator=(const FrameBuilder&) = delete;

  void LogonAnswer(const LogonAnswerMessage& message, Bytes& out);
  void Heartbeat(std::int64_t server_time_ns, Bytes& out);
  void Terminate(TerminateReason reason, std::uint32_t reconnect_after_ms, Bytes& out);

  // Sequenced where answer.command_sequence is not zero.
  void Answer(const engine::AnswerEvent& answer, std::span<const engine::Refusal> refused,
              std::uint32_t retry_after_ms, Bytes& out);
  void OpenOrders(const OpenOrdersMessage& message, Bytes& out);
  // Events first_event, first_event + 1, ...
  void Fills(std::uint64_t first_event, std::span<const engine::FillEvent> fills, Bytes& out);
  // Of one step of one product. Requires: at least one.
  void PriceCalls(std::span<const engine::PriceCallEvent> calls, Bytes& out);
  void Lottery(const engine::LotteryEvent& lottery, Bytes& out);
  // Any other event that is a frame by itself: rounds, cancels, products, indicative prices, the
  // end of a list of products; a lottery too.
  void Single(const engine::Event& event, Bytes& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// So many fit into a frame of `max_frame_bytes`.
std::size_t FillsAFrame(std::uint32_t max_frame_bytes);
std::size_t PriceCallsAFrame(std::uint32_t max_frame_bytes);
std::size_t OpenOrdersAFrame(std::uint32_t max_frame_bytes);

}  // namespace gateway
