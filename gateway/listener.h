// The port that clients connect to. Several gateway threads may take connections from one.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "absl/status/statusor.h"
#include "engine/journal/file_descriptor.h"

namespace gateway {

class Listener {
 public:
  // Binds and listens. port 0: any that is free.
  static absl::StatusOr<Listener> Open(const std::string& address, std::uint16_t port);

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return port_; }

  // An acceptor of the same port for one thread's io_context.
  absl::StatusOr<boost::asio::ip::tcp::acceptor> Acceptor(boost::asio::io_context& io) const;

 private:
  Listener(int fd, std::string address, std::uint16_t port);

  engine::FileDescriptor socket_;
  std::string address_;
  std::uint16_t port_;
};

}  // namespace gateway
