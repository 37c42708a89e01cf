// The baseline of round_trip_bench: a plain Asio server that looks at nothing of a frame but its
// length, and answers each with the same bytes, those of an acknowledgement; over TLS where it is
// given CERTIFICATE KEY AUTHORITIES, with a client's certificate as the daemon asks for it. And of
// fan_out_bench, with --fan-out: each frame of anybody is answered to everybody by those of a fill.
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include "gateway/frame_builder.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Counts whole frames in a stream of bytes that comes in pieces.
class FrameCounter {
 public:
  std::size_t Take(const char* bytes, std::size_t size) {
    std::size_t frames = 0;
    while (size > 0) {
      if (left_ == 0) {
        const std::size_t take = std::min(size, length_.size() - known_);
        std::memcpy(length_.data() + known_, bytes, take);
        known_ += take;
        bytes += take;
        size -= take;
        if (known_ < length_.size()) break;
        std::uint32_t length = 0;
        std::memcpy(&length, length_.data(), sizeof(length));
        left_ = length - length_.size();
        known_ = 0;
      }
      const std::size_t take = std::min(size, left_);
      left_ -= take;
      bytes += take;
      size -= take;
      if (left_ == 0) ++frames;
    }
    return frames;
  }

 private:
  std::array<char, 4> length_{};
  std::size_t known_ = 0;  // Bytes of length_.
  std::size_t left_ = 0;   // Of the frame, behind its length.
};

gateway::Bytes Fill() {
  gateway::Bytes frame;
  const engine::FillEvent fill;
  gateway::FrameBuilder().Fills(1, std::span(&fill, 1), frame);
  return frame;
}

gateway::Bytes Acknowledgement() {
  gateway::Bytes answer;
  gateway::FrameBuilder().Answer({.client_seq = 1,
                                  .time_ns = 1,
                                  .command_sequence = 1,
                                  .command = engine::CommandType::kSubmitOrders,
                                  .items = 1},
                                 {}, 0, answer);
  return answer;
}

template <typename Stream>
asio::awaitable<void> Serve(Stream socket) {
  const gateway::Bytes answer = Acknowledgement();
  std::vector<char> in(std::size_t{16} << 10);
  gateway::Bytes out;
  FrameCounter counter;
  for (;;) {
    const auto [error, read] = co_await socket.async_read_some(asio::buffer(in), kAwait);
    if (error) break;
    const std::size_t bytes = counter.Take(in.data(), read) * answer.size();
    while (out.size() < bytes) out.insert(out.end(), answer.begin(), answer.end());
    if (bytes == 0) continue;
    const auto [failed, wrote] =
        co_await asio::async_write(socket, asio::buffer(out.data(), bytes), kAwait);
    if (failed) break;
  }
}

// Of all connections; null: not with --fan-out.
using Everybody = std::vector<int>;

asio::awaitable<void> TellEverybody(tcp::socket socket, Everybody& everybody) {
  const gateway::Bytes fill = Fill();
  std::vector<char> in(std::size_t{1} << 10);
  FrameCounter counter;
  for (;;) {
    const auto [error, read] = co_await socket.async_read_some(asio::buffer(in), kAwait);
    if (error) break;
    if (counter.Take(in.data(), read) == 0) continue;
    for (const int fd : everybody) {
      if (::send(fd, fill.data(), fill.size(), MSG_NOSIGNAL) < 0) break;
    }
  }
}

using TlsSocket = asio::ssl::stream<tcp::socket>;

asio::awaitable<void> ServeTls(TlsSocket socket) {
  const auto [error] = co_await socket.async_handshake(TlsSocket::server, kAwait);
  if (error) co_return;
  co_await Serve(std::move(socket));
}

asio::ssl::context ContextOf(char** files) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(files[0]);
  context.use_private_key_file(files[1], asio::ssl::context::pem);
  context.load_verify_file(files[2]);
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  // Sessions of clients with certificates need a name to be resumed by.
  constexpr unsigned char kName[] = "bare";
  SSL_CTX_set_session_id_context(context.native_handle(), kName, sizeof(kName));
  return context;
}

asio::awaitable<void> Accept(tcp::acceptor& acceptor, asio::ssl::context* tls,
                             Everybody* everybody) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (error) break;
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (everybody != nullptr) {
      everybody->push_back(socket.native_handle());
      asio::co_spawn(acceptor.get_executor(), TellEverybody(std::move(socket), *everybody),
                     asio::detached);
    } else if (tls != nullptr) {
      asio::co_spawn(acceptor.get_executor(), ServeTls(TlsSocket(std::move(socket), *tls)),
                     asio::detached);
    } else {
      asio::co_spawn(acceptor.get_executor(), Serve(std::move(socket)), asio::detached);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool fans_out = argc == 2 && std::string_view(argv[1]) == "--fan-out";
  if (argc != 1 && argc != 4 && !fans_out) {
    std::fprintf(stderr, "usage: bare_server [--fan-out | CERTIFICATE KEY AUTHORITIES]\n");
    return 64;
  }
  try {
    std::optional<asio::ssl::context> tls;
    if (argc == 4) tls = ContextOf(argv + 1);
    asio::io_context io(1);
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    acceptor.listen(4'096);
    std::fprintf(stderr, "listening on 127.0.0.1:%u\n", acceptor.local_endpoint().port());
    asio::signal_set signals(io, SIGTERM);
    signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
    Everybody everybody;
    asio::co_spawn(io, Accept(acceptor, tls ? &*tls : nullptr, fans_out ? &everybody : nullptr),
                   asio::detached);
    io.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bare_server: %s\n", error.what());
    return 1;
  }
}
