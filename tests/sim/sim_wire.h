// A connection through a simulated network: what is under way each way, and what becomes of it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/check.h"

namespace engine {

// The daemon's end is a socket of its own; this end is moved by hand, byte by byte if need be. A
// wire that nobody moves is a slow reader, one that is cut loses what is under way.
class SimWire {
 public:
  // Ensures: daemon_end() is what the daemon is to take.
  SimWire() {
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) == 0);
    const int bytes = 4'096;  // The system takes the least that it can do with.
    CHECK(::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) == 0);
  }
  ~SimWire() { Cut(); }
  SimWire(const SimWire&) = delete;
  SimWire& operator=(const SimWire&) = delete;

  int daemon_end() const { return ends_[0]; }

  // The client's. `mark` comes back once all of it has arrived; 0: none.
  void Send(std::span<const std::byte> bytes, std::uint64_t mark = 0) {
    up_.insert(up_.end(), bytes.begin(), bytes.end());
    if (mark != 0) marks_.push_back({arrived_ + up_.size(), mark});
  }
  // Calls visit(mark) for what has arrived and was not taken.
  template <typename Visit>
  void ForEachArrived(Visit visit) const {
    for (const auto& [end, mark] : marks_) {
      if (end <= arrived_) visit(mark);
    }
  }
  // Marks of what has arrived at the daemon's machine, each once.
  std::vector<std::uint64_t> TakeArrived() {
    std::vector<std::uint64_t> arrived;
    for (; !marks_.empty() && marks_.front().first <= arrived_; marks_.pop_front()) {
      arrived.push_back(marks_.front().second);
    }
    return arrived;
  }

  // Moves so many bytes towards the daemon, if there are as many and it takes them.
  void MoveUp(std::size_t most) {
    const std::size_t count = std::min(most, up_.size());
    if (count == 0 || ends_[1] < 0) return;
    const ssize_t sent = ::send(ends_[1], up_.data(), count, MSG_NOSIGNAL);
    if (sent < 0) return;
    arrived_ += static_cast<std::uint64_t>(sent);
    up_.erase(up_.begin(), up_.begin() + sent);
  }
  // Ensures: what has come down, so many bytes at most.
  std::vector<std::byte> MoveDown(std::size_t most) {
    constexpr std::size_t kUnderWayMost = std::size_t{1} << 16;  // More than the socket holds.
    std::vector<std::byte> bytes(std::min(most, kUnderWayMost));
    const ssize_t got = ends_[1] < 0 ? 0 : ::recv(ends_[1], bytes.data(), bytes.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) ended_ = true;
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  // The daemon has ended it, and all that it said has been moved down.
  bool ended() const { return ended_; }
  // The other end hears that it is over; what is under way is lost.
  void Cut() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
    ended_ = true;
    up_.clear();
  }

 private:
  int ends_[2] = {-1, -1};
  std::vector<std::byte> up_;
  std::uint64_t arrived_ = 0;                                  // Bytes.
  std::deque<std::pair<std::uint64_t, std::uint64_t>> marks_;  // By byte.
  bool ended_ = false;
};

}  // namespace engine
