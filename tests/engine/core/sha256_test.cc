// Digests and how they are written.
#include "engine/core/sha256.h"

#include <array>
#include <span>
#include <string_view>

#include <gtest/gtest.h>

#include "engine/core/hex.h"

namespace engine {
namespace {

TEST(Sha256, IsTheStandards) {
  const auto hash = [](std::string_view text) {
    return ToHex(Sha256(std::as_bytes(std::span(text))));
  };
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hex, ComesBackAsItWentOutAndRefusesTheRest) {
  const Sha256Digest bytes = Sha256({});
  Sha256Digest back{};
  EXPECT_TRUE(FromHex(ToHex(bytes), back));
  EXPECT_EQ(back, bytes);
  std::array<std::byte, 2> two{};
  for (const char* text : {"", "012", "01234", "012G", "01AB", "01 b"}) {
    EXPECT_FALSE(FromHex(text, two)) << text;
  }
}

}  // namespace
}  // namespace engine
