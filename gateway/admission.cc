#include "gateway/admission.h"

#include <algorithm>

#include "engine/core/check.h"

namespace gateway {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned char kV4 = 4;
constexpr unsigned char kV6 = 6;
constexpr unsigned char kLoopback = 1;

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
  const absl::MutexLock lock(&mutex_);
  if (connections_ >= limits_.connections || not_logged_on_ >= limits_.not_logged_on) {
    return std::nullopt;
  }
  std::uint32_t& of_address = of_address_[place.address_];
  if (place.address_[0] != kLoopback && of_address >= limits_.of_an_address) return std::nullopt;
  ++of_address;
  ++connections_;
  ++not_logged_on_;
  place.owner_ = this;
  return place;
}

void Admission::Know() {
  const absl::MutexLock lock(&mutex_);
  CHECK(not_logged_on_ > 0);
  --not_logged_on_;
}

void Admission::Return(const Place& place) {
  const absl::MutexLock lock(&mutex_);
  const auto of_address = of_address_.find(place.address_);
  CHECK(connections_ > 0 && of_address != of_address_.end());
  --connections_;
  if (!place.known_) --not_logged_on_;
  if (--of_address->second == 0) of_address_.erase(of_address);
}

std::uint32_t Admission::connections() const {
  const absl::MutexLock lock(&mutex_);
  return connections_;
}

}  // namespace gateway
