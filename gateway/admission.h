// Who may connect: so many in all, of one address, and of those that have not said who they are, in
// all and of one address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace gateway {

struct AdmissionLimits {
  std::uint32_t connections = 20'000;
  std::uint32_t of_an_address = 1'000;  // Loopback has no such limits, and a part of the others
  std::uint32_t not_logged_on = 2'000;  // for itself.
  std::uint32_t not_logged_on_of_an_address = 200;
};

// Thread: any. Cost: a lock, for each connection three times.
class Admission {
 public:
  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // What a connection holds as long as it lasts. The admission outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : Place() { Swap(other); }
    Place& operator=(Place&& other) noexcept {
      Swap(other);
      return *this;
    }
    ~Place() {
      if (owner_ != nullptr) owner_->Return(*this);
    }
    // It counts as one of the unknown no more.
    void LoggedOn() {
      if (owner_ != nullptr && !std::exchange(known_, true)) owner_->Know(*this);
    }

   private:
    friend class Admission;
    // The bytes of IPv4, or the network of IPv6: whoever has one of its addresses has them all.
    using Address = std::array<unsigned char, 9>;

    void Swap(Place& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(address_, other.address_);
      std::swap(known_, other.known_);
    }

    Admission* owner_ = nullptr;
    Address address_{};
    bool known_ = false;
  };

  // Ensures: unset where a limit is reached.
  std::optional<Place> Take(const boost::asio::ip::address& from);

  std::uint32_t connections() const;

 private:
  static Place::Address AddressOf(const boost::asio::ip::address& from);
  struct Counts {
    std::uint32_t all = 0;
    std::uint32_t not_logged_on = 0;
  };

  void Know(const Place& place);
  void Return(const Place& place);

  const AdmissionLimits limits_;
  mutable absl::Mutex mutex_;
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Place::Address, Counts> of_address_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gateway
