#include "gateway/listener.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gateway/host_port.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

absl::Status Failed(const char* what, const std::string& address, std::uint16_t port,
                    const error_code& error) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " ", HostPort(address, port), ": ", error.message()));
}

}  // namespace

Listener::Listener(int fd, std::string address, std::uint16_t port)
    : socket_(fd), address_(std::move(address)), port_(port) {}

absl::StatusOr<Listener> Listener::Open(const std::string& address, std::uint16_t port) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is not an IP address"));
  }
  const asio::ip::tcp::endpoint endpoint(parsed, port);
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (error) return Failed("open a socket for", address, port, error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (error) return Failed("bind", address, port, error);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Failed("listen at", address, port, error);
  const std::uint16_t bound = acceptor.local_endpoint(error).port();
  if (error) return Failed("listen at", address, port, error);
  const int fd = acceptor.release(error);
  if (error) return Failed("listen at", address, port, error);
  return Listener(fd, address, bound);
}

absl::StatusOr<asio::ip::tcp::acceptor> Listener::Acceptor(asio::io_context& io) const {
  const int copy = ::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot listen: ", std::strerror(errno)));
  }
  const bool v6 = address_.find(':') != std::string::npos;
  asio::ip::tcp::acceptor acceptor(io);
  error_code error;
  acceptor.assign(v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), copy, error);
  if (error) {
    ::close(copy);
    return Failed("listen at", address_, port_, error);
  }
  return acceptor;
}

}  // namespace gateway
