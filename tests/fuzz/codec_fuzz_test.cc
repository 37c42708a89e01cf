#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/client_codec.h"
#include "tests/fuzz/codec_input.h"
#include "tests/fuzz/mutations.h"

namespace gateway {
namespace {

Bytes SomeFrames(engine::RandomSource& random) {
  RequestBuilder builder;
  Bytes bytes;
  const std::vector<engine::OrderBody> orders(1 + random.Below(5));
  const std::vector<engine::OrderKeyBody> keys(1 + random.Below(5));
  builder.Logon({.token = "pw_secret"}, bytes);
  builder.Orders(engine::CommandType::kSubmitOrders, 1 + random.Below(9), orders, bytes);
  builder.Orders(engine::CommandType::kReplaceOrders, 2, orders, bytes);
  builder.CancelOrders(3, keys, bytes);
  builder.CancelAll(4, {}, bytes);
  builder.ListOpenOrders(5, {}, bytes);
  FrameBuilder daemon;
  const std::vector<engine::FillEvent> fills(1 + random.Below(3));
  const std::vector<engine::Refusal> refusals(random.Below(4));
  daemon.Fills(7, fills, bytes);
  daemon.Answer({}, refusals, 0, bytes);
  daemon.Terminate(TerminateReason::kIdle, 1, bytes);
  return bytes;
}

// A failure under a sanitizer repeats with the seed that was printed last.
TEST(CodecFuzz, SurvivesMutatedFrames) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(seed);
    engine::RandomSource random(seed);
    const Bytes all = SomeFrames(random);
    // From some frame on, so that each type is the first at times.
    std::span<const std::byte> rest = all;
    for (std::uint64_t skip = random.Below(9); skip > 0; --skip) {
      rest = rest.subspan(ScanFrame(rest, kFrameBytesMax).length);
    }
    Bytes bytes(rest.begin(), rest.end());
    if (seed < 20) fuzz::KeepSeed("codec", bytes);
    fuzz::Mutate(bytes, random);
    TakeInput(fuzz::InputOf(bytes));
    TakeInput(fuzz::InputOf(bytes).subspan(std::min(bytes.size(), sizeof(FrameHeader))));
  }
}

TEST(CodecFuzz, SurvivesGarbage) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(seed);
    engine::RandomSource random(seed);
    Bytes bytes(random.Below(300));
    const bool small_numbers = random.Below(2) == 0;
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(small_numbers ? random.Below(24) : random.Next());
    }
    TakeInput(fuzz::InputOf(bytes));
  }
}

}  // namespace
}  // namespace gateway
