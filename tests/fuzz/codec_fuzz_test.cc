#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/client_codec.h"
#include "tests/fuzz/codec_input.h"

namespace gateway {
namespace {

Bytes SomeFrames(std::mt19937_64& random) {
  RequestBuilder builder;
  Bytes bytes;
  const std::vector<engine::OrderBody> orders(1 + random() % 5);
  const std::vector<engine::OrderKeyBody> keys(1 + random() % 5);
  builder.Logon({.token = "pw_secret"}, bytes);
  builder.Orders(engine::CommandType::kSubmitOrders, 1 + random() % 9, orders, bytes);
  builder.Orders(engine::CommandType::kReplaceOrders, 2, orders, bytes);
  builder.CancelOrders(3, keys, bytes);
  builder.CancelAll(4, {}, bytes);
  builder.ListOpenOrders(5, {}, bytes);
  FrameBuilder daemon;
  const std::vector<engine::FillEvent> fills(1 + random() % 3);
  const std::vector<engine::Refusal> refusals(random() % 4);
  daemon.Fills(7, fills, bytes);
  daemon.Answer({}, refusals, 0, bytes);
  daemon.Terminate(TerminateReason::kIdle, 1, bytes);
  return bytes;
}

void Mutate(Bytes& bytes, std::mt19937_64& random) {
  const std::uint64_t changes = 1 + random() % 8;
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<std::byte>(random());
        break;
      case 1:
        bytes[at] ^= static_cast<std::byte>(1U << (random() % 8));
        break;
      case 2:
        bytes[at] = random() % 2 == 0 ? std::byte{0} : std::byte{0xff};
        break;
      default:
        bytes[at] = bytes[random() % bytes.size()];
    }
  }
}

std::span<const std::uint8_t> Input(const Bytes& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// A failure under a sanitizer repeats with the seed that was printed last.
TEST(CodecFuzz, SurvivesMutatedFrames) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const Bytes all = SomeFrames(random);
    // From some frame on, so that each type is the first at times.
    std::span<const std::byte> rest = all;
    for (std::uint64_t skip = random() % 9; skip > 0; --skip) {
      rest = rest.subspan(ScanFrame(rest, kFrameBytesMax).length);
    }
    Bytes bytes(rest.begin(), rest.end());
    Mutate(bytes, random);
    TakeInput(Input(bytes));
    TakeInput(Input(bytes).subspan(sizeof(FrameHeader)));
  }
}

TEST(CodecFuzz, SurvivesGarbage) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes(random() % 300);
    const bool small_numbers = random() % 2 == 0;
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(small_numbers ? random() % 24 : random());
    }
    TakeInput(Input(bytes));
  }
}

}  // namespace
}  // namespace gateway
