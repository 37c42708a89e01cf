#include "gateway/admission.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace gateway {
namespace {

using Place = Admission::Place;

std::optional<Place> TakeFrom(Admission& admission, const std::string& address) {
  return admission.Take(boost::asio::ip::make_address(address));
}

TEST(Admission, IsForSoManyInAll) {
  Admission admission({.connections = 2});
  auto first = TakeFrom(admission, "10.0.0.1");
  auto second = TakeFrom(admission, "127.0.0.1");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(TakeFrom(admission, "10.0.0.2"));
  first.reset();
  EXPECT_TRUE(TakeFrom(admission, "10.0.0.2"));
}

TEST(Admission, IsForSoManyOfAnAddressButLoopback) {
  Admission admission({.of_an_address = 2});
  std::vector<Place> held;
  const auto take = [&](const std::string& address) {
    auto place = TakeFrom(admission, address);
    if (place) held.push_back(*std::move(place));
    return place.has_value();
  };
  for (const std::string address : {"10.0.0.1", "10.0.0.2", "2001:db8::1"}) {
    EXPECT_TRUE(take(address) && take(address)) << address;
    EXPECT_FALSE(take(address)) << address;
  }
  // The same address, and another of the same network.
  EXPECT_FALSE(take("::ffff:10.0.0.1"));
  EXPECT_FALSE(take("2001:db8::ffff:1"));
  EXPECT_TRUE(take("2001:db8:0:1::1"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(take("127.0.0.1") && take("::1") && take("::ffff:127.0.0.1") && take("127.9.9.9"));
  }
}

TEST(Admission, IsForSoManyUntilTheyHaveLoggedOn) {
  Admission admission({.not_logged_on = 2});
  auto first = TakeFrom(admission, "127.0.0.1");
  auto second = TakeFrom(admission, "127.0.0.1");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(TakeFrom(admission, "127.0.0.1"));
  first->LoggedOn();
  first->LoggedOn();  // Once is enough.
  auto third = TakeFrom(admission, "127.0.0.1");
  ASSERT_TRUE(third);
  EXPECT_FALSE(TakeFrom(admission, "127.0.0.1"));
  first.reset();
  EXPECT_FALSE(TakeFrom(admission, "127.0.0.1")) << "it was none of the unknown any more";
  second.reset();
  EXPECT_TRUE(TakeFrom(admission, "127.0.0.1"));
}

TEST(Admission, IsForLoopbackWhereStrangersHoldAllElse) {
  Admission admission({.connections = 100, .not_logged_on = 20});
  std::vector<Place> held;
  for (int i = 0; i < 1'000; ++i) {
    auto place = TakeFrom(admission, "10.0.0." + std::to_string(i % 200));
    if (place) held.push_back(*std::move(place));
  }
  EXPECT_EQ(held.size(), 18U);
  EXPECT_TRUE(TakeFrom(admission, "127.0.0.1"));
  for (Place& place : held) place.LoggedOn();
  for (int i = 0; i < 1'000; ++i) {
    auto place = TakeFrom(admission, "10.0.0." + std::to_string(i % 200));
    if (!place) continue;
    place->LoggedOn();
    held.push_back(*std::move(place));
  }
  EXPECT_EQ(held.size(), 90U);
  EXPECT_TRUE(TakeFrom(admission, "::1"));
}

// Beside the plain list of who is there.
TEST(Admission, ForgetsNobodyAndNothing) {
  constexpr AdmissionLimits kLimits{
      .connections = 30, .of_an_address = 5, .not_logged_on = 12, .not_logged_on_of_an_address = 3};
  Admission admission(kLimits);
  struct Held {
    Place place;
    std::string address;
    bool known = false;
  };
  std::vector<Held> held;
  engine::RandomSource random(3);
  int refused = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = random.Below(10);
    const std::string address = "10.0.0." + std::to_string(random.Below(12));
    const std::size_t at = held.empty() ? 0 : random.Below(held.size());
    if (what < 5) {
      const auto of = std::count_if(held.begin(), held.end(),
                                    [&](const Held& one) { return one.address == address; });
      const auto unknown =
          std::count_if(held.begin(), held.end(), [](const Held& one) { return !one.known; });
      const auto unknown_of = std::count_if(held.begin(), held.end(), [&](const Held& one) {
        return !one.known && one.address == address;
      });
      // A tenth is for loopback.
      const bool fits = held.size() < kLimits.connections - 3 && of < kLimits.of_an_address &&
                        unknown < kLimits.not_logged_on - 1 &&
                        unknown_of < kLimits.not_logged_on_of_an_address;
      auto place = TakeFrom(admission, address);
      ASSERT_EQ(place.has_value(), fits);
      if (place) held.push_back({*std::move(place), address});
      refused += place ? 0 : 1;
    } else if (what < 8 && !held.empty()) {
      held[at].place.LoggedOn();
      held[at].known = true;
    } else if (!held.empty()) {
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
    ASSERT_EQ(admission.connections(), held.size());
  }
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace gateway
