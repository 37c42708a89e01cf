// The client of a Peerwatt daemon: one credential's connection, that comes back by itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "engine/core/command.h"
#include "gateway/client_codec.h"
#include "gateway/tls_identity.h"

namespace gateway {

// What all clients of one thread share, so that tens of thousands fit in a process. An idle client
// holds a socket, a coroutine and about a kilobyte.
struct ClientDesk {
  explicit ClientDesk(boost::asio::io_context& io_context) : io(io_context) {}

  boost::asio::io_context& io;
  RequestBuilder builder;
  std::vector<std::byte> scratch = std::vector<std::byte>(std::size_t{128} << 10);
};

struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string token{};  // Of no use over TLS, where the certificate says who it is.
  // Made for a client: the connection is over TLS, with its certificate; null: it is not.
  std::shared_ptr<const TlsIdentity> tls{};
  std::string tls_name{};         // Of the daemon, in its certificate; empty: the host.
  std::uint64_t next_event = 0;   // The first event number that was not seen.
  std::uint16_t heartbeat_s = 0;  // 0: the daemon's default.
  bool cancel_on_disconnect = false;
  bool reconnect = true;      // After the connection was lost, not after a refused logon.
  std::uint32_t window = 32;  // Frames that may be unanswered: 1 to kAnswersKept.
  // For a connection to an address of the host, with the answer to the Logon; and for that to a
  // Logout. How long a host's name may take the system says.
  std::chrono::milliseconds logon_timeout{10'000};
  // Without a frame of the daemon; 0: two of the heartbeats in force and 5 seconds.
  std::chrono::milliseconds silence_timeout{0};
};

// Who is told; besides the daemon's messages. Calls come from the thread of the io_context; a
// function may call any of the client's.
class ClientHandler : public MessageHandler {
 public:
  // Logged on, again or for the first time; OnLogonAnswer came before.
  virtual void OnReady() {}
  // `why` is for people. `again`: the client will connect again.
  virtual void OnDisconnected(std::string_view /*why*/, bool /*again*/) {}
  // No connection came about: nobody listens there, say.
  virtual void OnUnreachable(std::string_view why, bool again) { OnDisconnected(why, again); }
};

class ClientSession;

// Requests are numbered, kept until they are answered, and sent again with the same bytes after a
// reconnect, or when the daemon was busy or throttled them: each is done once, and OnAnswer says
// once what came of it. Answers that only postpone (busy, throttled, gap) are not handed on, nor is
// disk_full where a copy of the request may be under way from a connection before: then it is sent
// again until there is space. The number of a request that was refused with `sequenced` false may
// be the next request's again.
//
// A daemon that does not answer or goes silent is a lost connection. The pause before the next one
// grows up to 5 seconds, and half as much again; it is not less than what a Terminate has said. A
// Terminate that says 0 is the end, as is a refused logon.
//
// Thread: that of the desk's io_context.
class Client {
 public:
  // Requires: desk and handler outlive it.
  Client(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler);
  // Closes the connection; the handler hears nothing more.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects and logs on, and goes on doing so. Requires: not yet called.
  void Start();
  // Logs out, once what was sent is written. Answers that are still to come are lost with it.
  void Stop();

  bool ready() const;  // Logged on.
  std::size_t unanswered() const;
  bool HasRoom() const;                // Another request may be made.
  std::size_t orders_a_frame() const;  // As the last logon said.
  std::size_t keys_a_frame() const;
  std::size_t quantities_a_frame() const;

  // Each returns the request's client_seq. Requires: HasRoom(), a logon before, 1 to
  // orders_a_frame() orders, keys or quantities.
  std::uint64_t Submit(std::span<const engine::OrderBody> orders);
  std::uint64_t Replace(std::span<const engine::OrderBody> orders);
  std::uint64_t Cancel(std::span<const engine::OrderKeyBody> keys);
  std::uint64_t CancelAll(const engine::OrderScopeBody& scope);
  // Answers to OnPriceCalls.
  std::uint64_t ReplyQuantities(std::span<const engine::QuantityBody> answers);

  // A question, answered by OnOpenOrders with this number. Lost with the connection.
  // Requires: ready().
  void ListOpenOrders(std::uint64_t query, const engine::OrderScopeBody& scope);
  // The same, answered by OnProductOpened for each product that is open, earliest first, with its
  // OnLottery behind it, and then by OnProductsEnd. Market zero: all of the credential's.
  void ListProducts(std::uint64_t query, engine::MarketId market);

 private:
  std::uint64_t SendOrders(engine::CommandType type, std::span<const engine::OrderBody> orders);

  std::shared_ptr<ClientSession> session_;  // The reactor's operations hold it too.
};

}  // namespace gateway
