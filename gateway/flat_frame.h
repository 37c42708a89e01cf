// FlatBuffers into frames and out of them; only the sources of the codec include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <flatbuffers/flatbuffers.h>

#include "engine/core/check.h"
#include "gateway/frame.h"
#include "gateway/frame_builder.h"

namespace gateway {

template <typename Enum>
constexpr auto Number(Enum value) {
  return static_cast<std::underlying_type_t<Enum>>(value);
}

// The table that the body is; null where it is none of that kind. No message has a table inside
// another: more depth or more tables would only be an attack on the verifier's time.
template <typename Table>
const Table* Verified(const Frame& frame) {
  const auto* body = reinterpret_cast<const std::uint8_t*>(frame.body.data());
  flatbuffers::Verifier verifier(body, frame.body.size(), /*max_depth=*/2, /*max_tables=*/1);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return nullptr;
  return flatbuffers::GetRoot<Table>(body);
}

// Whether the structs of a vector can be read where they lie: the verifier of FlatBuffers 2.0
// checks the alignment of a vector's length only. Requires: a verified vector, or null.
template <typename Vector>
bool Aligned(const Vector* vector, std::size_t alignment) {
  return vector == nullptr || reinterpret_cast<std::uintptr_t>(vector->Data()) % alignment == 0;
}

// A builder that is used again for each frame.
class FlatFrame {
 public:
  flatbuffers::FlatBufferBuilder& builder() { return builder_; }

  // Appends the frame whose body ends with `table`.
  template <typename Table>
  void Finish(MessageType type, flatbuffers::Offset<Table> table, Bytes& out) {
    builder_.Finish(table);
    const std::size_t body = builder_.GetSize();
    const FrameHeader header{
        .length = static_cast<std::uint32_t>(sizeof(FrameHeader) + PaddedTo8(body)),
        .type = Number(type),
        .version = kWireVersion};
    CHECK(header.length <= kFrameBytesMax);
    const auto* from = reinterpret_cast<const std::byte*>(&header);
    out.insert(out.end(), from, from + sizeof(header));
    from = reinterpret_cast<const std::byte*>(builder_.GetBufferPointer());
    out.insert(out.end(), from, from + body);
    out.resize(out.size() + PaddedTo8(body) - body);
    builder_.Clear();
  }

 private:
  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace gateway
