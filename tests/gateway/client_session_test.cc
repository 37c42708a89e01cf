#include "gateway/client/client_session.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "gateway/frame_builder.h"
#include "gateway/host_port.h"

namespace gateway {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class Heard : public ClientHandler {
 public:
  void OnLogonAnswer(const LogonAnswerMessage& /*message*/) override {
    if (at_logon) at_logon();
  }
  void OnReady() override { ++ready; }
  void OnDisconnected(std::string_view reason, bool will_come) override {
    why.emplace_back(reason);
    again = will_come;
  }
  void OnProductsEnd(const engine::ListEndEvent& end) override {
    products_ends.push_back(end.query);
  }

  std::function<void()> at_logon;
  int ready = 0;
  std::vector<std::uint64_t> products_ends;  // Their queries.
  std::vector<std::string> why;              // Of each disconnection.
  bool again = false;
};

ClientOptions WithLogonTimeout(milliseconds timeout) {
  ClientOptions options;
  options.logon_timeout = timeout;
  return options;
}
ClientOptions WithSilenceTimeout(milliseconds timeout) {
  ClientOptions options;
  options.silence_timeout = timeout;
  return options;
}

// A port behind which a test says what it likes, and a client turned by hand.
class BareDaemon {
 public:
  explicit BareDaemon(ClientOptions options = {}) : acceptor_(io_, {Loopback(), 0}) {
    acceptor_.non_blocking(true);
    options.port = acceptor_.local_endpoint().port();
    options.token = "pw_secret";
    client = std::make_unique<Client>(desk, options, heard);
    client->Start();
  }

  template <typename Done>
  bool Until(Done done) {
    const auto end = Clock::now() + std::chrono::seconds(10);
    while (!done()) {
      io_.restart();
      io_.poll();
      if (Clock::now() > end) return false;
    }
    return true;
  }
  bool Accept() {
    return Until([&] {
      boost::system::error_code error;
      socket_ = acceptor_.accept(error);
      return !error;
    });
  }
  void Say(const Bytes& frame) { boost::asio::write(*socket_, boost::asio::buffer(frame)); }
  void SayLogonAnswer() {
    Bytes frame;
    builder.LogonAnswer(
        {.heartbeat_s = 30, .max_frame_bytes = 4'096, .next_client_seq = 1, .markets = {}}, frame);
    Say(frame);
  }
  void SayTerminate(TerminateReason reason, std::uint32_t reconnect_after_ms) {
    Bytes frame;
    builder.Terminate(reason, reconnect_after_ms, frame);
    Say(frame);
  }
  bool LogOn() {
    const int before = heard.ready;
    if (!Accept()) return false;
    SayLogonAnswer();
    return Until([&] { return heard.ready > before; });
  }
  // Whether the client waits for nothing any more.
  bool idle() const { return io_.stopped(); }
  // Unread bytes of the client reset the connection.
  void Close() { socket_.reset(); }
  bool Disconnected(std::size_t times = 1) {
    return Until([&] { return heard.why.size() == times; });
  }

  static boost::asio::ip::address Loopback() { return boost::asio::ip::make_address("127.0.0.1"); }

 private:
  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  std::optional<tcp::socket> socket_;

 public:
  FrameBuilder builder;
  Heard heard;
  ClientDesk desk{io_};
  std::unique_ptr<Client> client;
};

TEST(ClientSession, ComesBackWhereTheDaemonTakesItsConnectionAndDoesNotAnswer) {
  BareDaemon daemon(WithLogonTimeout(milliseconds(30)));
  ASSERT_TRUE(daemon.Accept());
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_EQ(daemon.heard.why[0], "no answer in time");
  EXPECT_TRUE(daemon.heard.again);
  EXPECT_TRUE(daemon.LogOn());
}

TEST(ClientSession, ComesBackWhereTheDaemonGoesSilentAfterTheLogon) {
  BareDaemon daemon(WithSilenceTimeout(milliseconds(30)));
  ASSERT_TRUE(daemon.LogOn());
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_EQ(daemon.heard.why[0], "the daemon is silent");
  EXPECT_TRUE(daemon.heard.again);
  EXPECT_TRUE(daemon.LogOn());
}

TEST(ClientSession, StaysWhereTheDaemonShowsLife) {
  BareDaemon daemon(WithSilenceTimeout(milliseconds(200)));
  ASSERT_TRUE(daemon.LogOn());
  Bytes heartbeat;
  daemon.builder.Heartbeat(0, heartbeat);
  const auto end = Clock::now() + milliseconds(500);
  ASSERT_TRUE(daemon.Until([&] {
    daemon.Say(heartbeat);
    return Clock::now() > end;
  }));
  EXPECT_TRUE(daemon.heard.why.empty());
  EXPECT_TRUE(daemon.client->ready());
}

TEST(ClientSession, DoesNotTakeTheBeginOfAFrameForLife) {
  BareDaemon daemon(WithSilenceTimeout(milliseconds(100)));
  ASSERT_TRUE(daemon.LogOn());
  Bytes heartbeat;
  daemon.builder.Heartbeat(0, heartbeat);
  std::size_t said = 0;
  auto next = Clock::now();
  ASSERT_TRUE(daemon.Until([&] {
    if (Clock::now() >= next && said + 1 < heartbeat.size()) {
      daemon.Say({heartbeat[said++]});
      next = Clock::now() + milliseconds(10);
    }
    return !daemon.heard.why.empty();
  }));
  EXPECT_EQ(daemon.heard.why[0], "the daemon is silent");
}

TEST(ClientSession, EndsInTimeWhereTheDaemonDoesNotAnswerItsLogout) {
  BareDaemon daemon(WithLogonTimeout(milliseconds(30)));
  ASSERT_TRUE(daemon.LogOn());
  daemon.client->Stop();
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_FALSE(daemon.heard.again);
}

TEST(ClientSession, WaitsAsLongAsATerminateSaysBeforeItComesBack) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  daemon.SayTerminate(TerminateReason::kShutdown, 250);
  const auto told = Clock::now();
  daemon.Close();
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_TRUE(daemon.heard.again);
  ASSERT_TRUE(daemon.Accept());
  EXPECT_GE(Clock::now() - told, milliseconds(250));
}

TEST(ClientSession, StaysAwayWhereATerminateSaysZeroWhateverItsReason) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  daemon.SayTerminate(TerminateReason::kShutdown, 0);
  daemon.Close();
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_FALSE(daemon.heard.again);
}

TEST(ClientSession, ReadsWhyItWasEndedAlthoughItCanNoLongerWrite) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  daemon.SayTerminate(TerminateReason::kSuperseded, 0);
  daemon.Close();
  const std::vector<engine::OrderBody> orders(1);
  daemon.client->Submit(orders);
  ASSERT_TRUE(daemon.Disconnected());
  EXPECT_EQ(daemon.heard.why[0], "superseded");
  EXPECT_FALSE(daemon.heard.again);
}

TEST(ClientSession, ComesBackEverSlowerToADaemonThatEndsEachConnectionAfterTheLogon) {
  BareDaemon daemon;
  std::vector<Clock::time_point> ended;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(daemon.LogOn());
    daemon.Close();
    ASSERT_TRUE(daemon.Disconnected(ended.size() + 1));
    ended.push_back(Clock::now());
  }
  EXPECT_GE(ended[3] - ended[2], milliseconds(200));
}

TEST(ClientSession, TakesNoFrameSizeThatNoOrderFitsInto) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.Accept());
  Bytes frame;
  daemon.builder.LogonAnswer(
      {.heartbeat_s = 0, .max_frame_bytes = 1, .next_client_seq = 1, .markets = {}}, frame);
  daemon.Say(frame);
  ASSERT_TRUE(daemon.Until([&] { return daemon.heard.ready == 1; }));
  EXPECT_EQ(daemon.client->orders_a_frame(), OrdersAFrame(kDeviceFrameBytesMax));
}

TEST(ClientSession, TakesOneLogonAnswerAConnection) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  daemon.SayLogonAnswer();
  daemon.SayTerminate(TerminateReason::kShutdown, 0);
  ASSERT_TRUE(daemon.Until([&] {
    daemon.Close();
    return daemon.heard.why.size() == 1;
  }));
  EXPECT_EQ(daemon.heard.ready, 1);
}

TEST(ClientSession, HandsOnTheEndOfAListOfProducts) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  engine::Event end;
  end.type = engine::EventType::kProductsEnd;
  end.list_end = {.query = 5, .told = 0};
  Bytes frame;
  daemon.builder.Single(end, frame);
  daemon.Say(frame);
  ASSERT_TRUE(daemon.Until([&] { return !daemon.heard.products_ends.empty(); }));
  EXPECT_EQ(daemon.heard.products_ends[0], 5U);
}

TEST(ClientSession, LeavesNothingBehindWhereItStopsWhileItPauses) {
  BareDaemon daemon;
  ASSERT_TRUE(daemon.LogOn());
  daemon.Close();
  ASSERT_TRUE(daemon.Disconnected());
  daemon.client->Stop();
  EXPECT_TRUE(daemon.Until([&] { return daemon.idle(); }));
  EXPECT_EQ(daemon.heard.why.size(), 1U);
}

TEST(ClientSession, MayBeDestroyedByItsHandler) {
  BareDaemon daemon;
  daemon.heard.at_logon = [&] { daemon.client.reset(); };
  ASSERT_TRUE(daemon.Accept());
  daemon.SayLogonAnswer();
  ASSERT_TRUE(daemon.Until([&] { return daemon.client == nullptr; }));
  EXPECT_EQ(daemon.heard.ready, 0);
  EXPECT_TRUE(daemon.heard.why.empty());
}

// A queue of connections that is full: the system does not even answer.
TEST(ClientSession, GivesUpAConnectionThatDoesNotComeAbout) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io);
  acceptor.open(tcp::v4());
  acceptor.bind({BareDaemon::Loopback(), 0});
  acceptor.listen(0);
  tcp::socket first(io);
  first.connect(acceptor.local_endpoint());
  ClientDesk desk(io);
  Heard heard;
  Client client(desk,
                {.port = acceptor.local_endpoint().port(),
                 .token = "pw_secret",
                 .logon_timeout = milliseconds(30)},
                heard);
  client.Start();
  while (heard.why.empty()) io.run_one();
  EXPECT_EQ(heard.why[0], absl::StrCat("cannot connect to ", "127.0.0.1:",
                                       acceptor.local_endpoint().port(), ": no answer in time"));
  EXPECT_TRUE(heard.again);
}

// Where nobody listens there was no connection to lose.
TEST(ClientSession, SaysWhereAndWhyItCannotConnect) {
  struct Apart : Heard {
    void OnUnreachable(std::string_view reason, bool /*again*/) override { unreachable = reason; }
    std::string unreachable;
  };
  boost::asio::io_context io;
  ClientDesk desk(io);
  for (const char* host : {"127.0.0.1", "::1"}) {
    tcp::acceptor nobody(io, {boost::asio::ip::make_address(host), 0});
    const std::uint16_t port = nobody.local_endpoint().port();
    nobody.close();
    Apart heard;
    Client client(desk, {.host = host, .port = port, .token = "pw_secret"}, heard);
    client.Start();
    while (heard.unreachable.empty()) io.run_one();
    EXPECT_EQ(heard.unreachable,
              absl::StrCat("cannot connect to ", HostPort(host, port), ": Connection refused"));
    EXPECT_TRUE(heard.why.empty());
  }
  EXPECT_EQ(HostPort("::1", 5), "[::1]:5");
}

TEST(ClientSession, TouchesNoDeskThatIsGone) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, {BareDaemon::Loopback(), 0});
  Heard heard;
  auto desk = std::make_unique<ClientDesk>(io);
  auto client = std::make_unique<Client>(
      *desk, ClientOptions{.port = acceptor.local_endpoint().port(), .token = "pw_secret"}, heard);
  client->Start();
  io.poll();
  tcp::socket socket = acceptor.accept();
  while (socket.available() == 0) {
    io.restart();
    io.poll();
  }
  FrameBuilder builder;
  Bytes frame;
  builder.LogonAnswer({.heartbeat_s = 30, .next_client_seq = 1, .markets = {}}, frame);
  boost::asio::write(socket, boost::asio::buffer(frame));
  client.reset();  // With an answer to read and a write under way.
  desk.reset();
  io.restart();
  io.run();
  EXPECT_EQ(heard.ready, 0);
}

}  // namespace
}  // namespace gateway
