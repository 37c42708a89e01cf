#include "gateway/frame.h"

#include <cstring>

#include <gtest/gtest.h>

#include "gateway/client_codec.h"

namespace gateway {
namespace {

Bytes Heartbeat() {
  RequestBuilder builder;
  Bytes out;
  builder.Heartbeat(out);
  return out;
}

Bytes OfLength(std::uint32_t length) {
  Bytes bytes(16);
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes;
}

TEST(Frame, IsIncompleteUntilItsLastByte) {
  const Bytes bytes = Heartbeat();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ScanFrame(std::span(bytes).first(size), kDeviceFrameBytesMax).result,
              ScanResult::kIncomplete);
  }
  const Scan scan = ScanFrame(bytes, kDeviceFrameBytesMax);
  ASSERT_EQ(scan.result, ScanResult::kFrame);
  EXPECT_EQ(scan.frame.type, MessageType::kHeartbeat);
  EXPECT_EQ(scan.length, bytes.size());
}

TEST(Frame, IsAMultipleOfEightBytesLong) {
  EXPECT_EQ(Heartbeat().size() % 8, 0U);
  const Scan scan = ScanFrame(OfLength(20), kDeviceFrameBytesMax);
  EXPECT_EQ(scan.result, ScanResult::kBad);
  EXPECT_EQ(scan.reason, TerminateReason::kFrameLength);
}

TEST(Frame, IsAtLeastSixteenBytesLong) {
  for (const std::uint32_t length : {0U, 8U}) {
    EXPECT_EQ(ScanFrame(OfLength(length), kDeviceFrameBytesMax).reason,
              TerminateReason::kFrameLength);
  }
}

TEST(Frame, IsRefusedAsTooLongAsSoonAsItsLengthIsKnown) {
  const Bytes bytes = OfLength(kDeviceFrameBytesMax + 8);
  const Scan scan = ScanFrame(std::span(bytes).first(4), kDeviceFrameBytesMax);
  EXPECT_EQ(scan.result, ScanResult::kBad);
  EXPECT_EQ(scan.reason, TerminateReason::kFrameTooLong);
  EXPECT_EQ(ScanFrame(bytes, kFrameBytesMax).result, ScanResult::kIncomplete);
}

}  // namespace
}  // namespace gateway
