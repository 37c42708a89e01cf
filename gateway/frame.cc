#include "gateway/frame.h"

#include <bit>
#include <cstring>

namespace gateway {

static_assert(std::endian::native == std::endian::little, "The wire is read in place.");

Scan ScanFrame(std::span<const std::byte> bytes, std::uint32_t max_frame_bytes) {
  Scan scan;
  FrameHeader header;
  if (bytes.size() < sizeof(header.length)) return scan;
  std::memcpy(&header.length, bytes.data(), sizeof(header.length));
  if (header.length > max_frame_bytes) {
    return {.result = ScanResult::kBad,
            .frame = {},
            .length = header.length,
            .reason = TerminateReason::kFrameTooLong};
  }
  if (header.length < kFrameBytesMin || header.length % 8 != 0) {
    return {.result = ScanResult::kBad,
            .frame = {},
            .length = header.length,
            .reason = TerminateReason::kFrameLength};
  }
  scan.length = header.length;
  if (bytes.size() < header.length) return scan;
  std::memcpy(&header, bytes.data(), sizeof(header));
  scan.result = ScanResult::kFrame;
  scan.frame = {.type = static_cast<MessageType>(header.type),
                .version = header.version,
                .body = bytes.subspan(sizeof(header), header.length - sizeof(header))};
  return scan;
}

}  // namespace gateway
