#include "gateway/admission.h"

#include <algorithm>

#include "engine/core/check.h"

namespace gateway {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned char kV4 = 4;
constexpr unsigned char kV6 = 6;
constexpr unsigned char kLoopback = 1;

constexpr std::uint32_t kForLoopback = 16;

}  // namespace

Admission::Place::Address Admission::AddressOf(const ip::address& from) {
  Place::Address address{};
  if (from.is_loopback() || (from.is_v6() && from.to_v6().is_v4_mapped() &&
                             ip::make_address_v4(ip::v4_mapped, from.to_v6()).is_loopback())) {
    address[0] = kLoopback;
  } else if (from.is_v4() || from.to_v6().is_v4_mapped()) {
    const auto bytes =
        (from.is_v4() ? from.to_v4() : ip::make_address_v4(ip::v4_mapped, from.to_v6())).to_bytes();
    address[0] = kV4;
    std::copy(bytes.begin(), bytes.end(), address.begin() + 1);
  } else {
    const auto bytes = from.to_v6().to_bytes();
    address[0] = kV6;
    std::copy_n(bytes.begin(), address.size() - 1, address.begin() + 1);
  }
  return address;
}

std::optional<Admission::Place> Admission::Take(const ip::address& from) {
  Place place;
  place.address_ = AddressOf(from);
  const bool own = place.address_[0] == kLoopback;
  // So that who looks after the daemon gets in while strangers hold all that there is.
  const auto most = [own](std::uint32_t limit) {
    return own ? limit : limit - std::min(kForLoopback, limit / 10);
  };
  const absl::MutexLock lock(&mutex_);
  if (counts_.all >= most(limits_.connections) ||
      counts_.not_logged_on >= most(limits_.not_logged_on)) {
    return std::nullopt;
  }
  const auto found = of_address_.find(place.address_);
  const Counts now = found == of_address_.end() ? Counts{} : found->second;
  const bool fits =
      now.all < limits_.of_an_address && now.not_logged_on < limits_.not_logged_on_of_an_address;
  if (!own && !fits) return std::nullopt;
  of_address_[place.address_] = {.all = now.all + 1, .not_logged_on = now.not_logged_on + 1};
  ++counts_.all;
  ++counts_.not_logged_on;
  place.owner_ = this;
  return place;
}

void Admission::Know(const Place& place) {
  const absl::MutexLock lock(&mutex_);
  const auto found = of_address_.find(place.address_);
  CHECK(found != of_address_.end() && found->second.not_logged_on > 0);
  --found->second.not_logged_on;
  --counts_.not_logged_on;
}

void Admission::Return(const Place& place) {
  const absl::MutexLock lock(&mutex_);
  const auto found = of_address_.find(place.address_);
  CHECK(found != of_address_.end() && found->second.all > 0);
  const std::uint32_t unknown = place.known_ ? 0 : 1;
  counts_.not_logged_on -= unknown;
  --counts_.all;
  found->second.not_logged_on -= unknown;
  if (--found->second.all == 0) of_address_.erase(found);
}

std::uint32_t Admission::connections() const {
  const absl::MutexLock lock(&mutex_);
  return counts_.all;
}

}  // namespace gateway
