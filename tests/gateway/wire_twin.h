// Reads FlatBuffers byte by byte, without the library: the slow twin of the codec, and a way to
// make frames that the codec's own builder would never make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/frame.h"
#include "gateway/frame_builder.h"

namespace gateway {

template <typename Number>
Number Load(std::span<const std::byte> bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

// The table that is the root of a valid buffer.
class TwinTable {
 public:
  explicit TwinTable(std::span<const std::byte> body)
      : body_(body), table_(Load<std::uint32_t>(body, 0)) {}

  // The field's place; 0 where it is left out. Fields count from 0.
  std::size_t Place(std::size_t field) const {
    const auto vtable = static_cast<std::size_t>(static_cast<std::int64_t>(table_) -
                                                 Load<std::int32_t>(body_, table_));
    const auto vtable_bytes = Load<std::uint16_t>(body_, vtable);
    if (4 + 2 * field >= vtable_bytes) return 0;
    const auto offset = Load<std::uint16_t>(body_, vtable + 4 + 2 * field);
    return offset == 0 ? 0 : table_ + offset;
  }
  template <typename Number>
  Number Get(std::size_t field) const {
    const std::size_t place = Place(field);
    return place == 0 ? Number{} : Load<Number>(body_, place);
  }
  // The bytes of a vector of items that are `item_bytes` long each, or of a string.
  std::span<const std::byte> Vector(std::size_t field, std::size_t item_bytes) const {
    const std::size_t place = Place(field);
    if (place == 0) return {};
    const std::size_t vector = place + Load<std::uint32_t>(body_, place);
    return body_.subspan(vector + 4, Load<std::uint32_t>(body_, vector) * item_bytes);
  }

 private:
  std::span<const std::byte> body_;
  std::size_t table_;
};

// The frames that lie in `bytes`, one behind the other.
inline std::vector<Frame> Split(std::span<const std::byte> bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const Scan scan = ScanFrame(bytes, kFrameBytesMax);
    if (scan.result != ScanResult::kFrame) break;
    frames.push_back(scan.frame);
    bytes = bytes.subspan(scan.length);
  }
  return frames;
}

inline Frame Only(std::span<const std::byte> bytes) {
  const std::vector<Frame> frames = Split(bytes);
  return frames.size() == 1 ? frames[0] : Frame{};
}

// Where the orders of a frame that RequestBuilder made lie in its bytes.
inline std::byte* FirstOrder(Bytes& frame) {
  const std::span<const std::byte> body = std::span(frame).subspan(sizeof(FrameHeader));
  return frame.data() + (TwinTable(body).Vector(1, 1).data() - frame.data());
}

}  // namespace gateway
