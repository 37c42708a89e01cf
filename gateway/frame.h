// A frame: what a message is wrapped in on a TCP connection. schemas/README.md is its page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "gateway/terminate_reason.h"

namespace gateway {

// Little endian, 8-aligned, followed by length - 8 bytes of FlatBuffer.
struct FrameHeader {
  std::uint32_t length = 0;  // Of the whole frame, this header included: a multiple of 8.
  std::uint16_t type = 0;    // A MessageType.
  std::uint16_t version = 0;
};
static_assert(sizeof(FrameHeader) == 8 && std::is_trivially_copyable_v<FrameHeader>);

inline constexpr std::uint16_t kWireVersion = 1;
inline constexpr std::uint32_t kFrameBytesMin = 16;
inline constexpr std::uint32_t kDeviceFrameBytesMax = 4'096;  // Also of everyone before the logon.
inline constexpr std::uint32_t kFrameBytesMax = 65'536;

// Numbers are permanent. From clients below 128; those with a command have the command's number.
enum class MessageType : std::uint16_t {
  kLogon = 1,
  kLogout = 2,
  kHeartbeat = 3,
  kSubmitOrders = 16,
  kReplaceOrders = 17,
  kCancelOrders = 18,
  kCancelAll = 19,
  kQuantityReply = 21,
  kListOpenOrders = 64,
  kListProducts = 66,

  kLogonAnswer = 129,
  kAnswer = 130,
  kOpenOrders = 131,
  kProductsEnd = 132,
  kRoundCleared = 144,
  kFills = 145,
  kRoundVoid = 146,
  kOrderCancelled = 147,
  kProductOpened = 160,
  kIndicative = 161,
  kPriceCall = 162,
  kLottery = 163,
  kTerminate = 192,
};

// A whole frame in memory that somebody else owns.
struct Frame {
  MessageType type{};
  std::uint16_t version = 0;
  std::span<const std::byte> body;
};

enum class ScanResult : std::uint8_t {
  kFrame,       // `frame` is whole.
  kIncomplete,  // More bytes are needed.
  kBad,         // Not a frame, nor anything behind it: end the connection with `reason`.
};

struct Scan {
  ScanResult result = ScanResult::kIncomplete;
  Frame frame;
  std::uint32_t length = 0;  // With kFrame: where the next one begins. Else what is known of it.
  TerminateReason reason{};
};

// Looks at the first frame in `bytes`. The length is judged as soon as its four bytes are there.
// Requires: bytes.data() is 8-aligned.
Scan ScanFrame(std::span<const std::byte> bytes, std::uint32_t max_frame_bytes);

constexpr std::size_t PaddedTo8(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

}  // namespace gateway
