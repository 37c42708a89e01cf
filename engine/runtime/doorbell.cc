#include "engine/runtime/doorbell.h"

#include <cerrno>
#include <ctime>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/core/check.h"

namespace engine {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(fd_ >= 0); }

Doorbell::~Doorbell() { ::close(fd_); }

void Doorbell::Signal() {
  if (!asleep_.exchange(false, std::memory_order_relaxed)) return;  // Another one has signalled.
  const std::uint64_t one = 1;
  const ssize_t written = ::write(fd_, &one, sizeof(one));
  CHECK(written == sizeof(one) || errno == EAGAIN);  // EAGAIN: it is readable as it is.
}

void Doorbell::Sleep(std::int64_t timeout_ns, int other_fd) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  pollfd waits[2] = {{fd_, POLLIN, 0}, {other_fd, POLLIN, 0}};
  const timespec timeout{timeout_ns / kSecondNs, timeout_ns % kSecondNs};
  const int ready =
      ::ppoll(waits, other_fd < 0 ? 1 : 2, timeout_ns < 0 ? nullptr : &timeout, nullptr);
  CHECK(ready >= 0 || errno == EINTR);
}

void Doorbell::WakeUp() {
  asleep_.store(false, std::memory_order_relaxed);
  std::uint64_t rings = 0;
  const ssize_t read = ::read(fd_, &rings, sizeof(rings));
  CHECK(read == sizeof(rings) || errno == EAGAIN);
}

}  // namespace engine
