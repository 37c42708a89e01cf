// A gateway whose connections are over TLS, turned by hand, and clients of the client library.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/client/client.h"
#include "tests/gateway/hand_turned_gateway.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::uint32_t kCredential = 7;

class Hearing : public ClientHandler {
 public:
  void OnReady() override { ++ready; }
  void OnDisconnected(std::string_view reason, bool will_come) override {
    why = reason;
    again = will_come;
    ++disconnected;
  }
  void OnAnswer(const AnswerMessage& message) override { answered += message.answer.items; }
  void OnFills(std::uint64_t /*first*/, std::span<const engine::FillEvent> some) override {
    fills += some.size();
  }
  void OnTerminate(const TerminateMessage& message) override { terminated = message.reason; }

  int ready = 0;
  int disconnected = 0;
  std::string why;
  bool again = false;
  std::size_t answered = 0;
  std::size_t fills = 0;
  TerminateReason terminated{};
};

class TlsGateway : public testing::Test {
 protected:
  // A device with a certificate of its own.
  struct Device {
    Device(TlsGateway& test, const TestCertificate& own, std::string name = "127.0.0.1") {
      auto context =
          TlsIdentity::ForClient(test.folder.Put("device", own, test.authority.certificate()));
      EXPECT_TRUE(context.ok()) << context.status();
      client = std::make_unique<Client>(
          test.desk,
          ClientOptions{.port = test.daemon->port(), .tls = *context, .tls_name = std::move(name)},
          heard);
      client->Start();
    }
    Hearing heard;
    std::unique_ptr<Client> client;
  };

  void SetUp() override { Listen(HandTurnedGateway::Quick()); }
  void Listen(const GatewayOptions& options) {
    daemon = std::make_unique<HandTurnedGateway>(options);
    UseTls();  // And has the gateway hear of it before the first connection.
  }
  void UseTls(const std::string& revoked = "") {
    auto context =
        TlsIdentity::ForDaemon(folder.Put("daemon", own, authority.certificate(), revoked));
    ASSERT_TRUE(context.ok()) << context.status();
    daemon->gateway().UseTls(*context);
    daemon->gateway().Turn();
  }

  template <typename Done>
  bool Until(Done done) {
    return daemon->TurnUntil([&] {
      io.restart();
      io.poll();
      return done();
    });
  }
  SentCommand NextCommand() {
    EXPECT_TRUE(Until([&] { return daemon->HasCommand(); }));
    return daemon->TakeCommand();
  }
  engine::LogonBody NextLogon(const SentCommand& command) {
    return command.view().Items<engine::LogonBody>()[0];
  }
  void LogOn(Device& device, std::uint32_t credential) {
    daemon->AnswerLogon(NextCommand(), credential);
    ASSERT_TRUE(Until([&] { return device.heard.ready == 1; }));
  }
  // A connection that says what it is told to.
  boost::asio::ip::tcp::socket Connected() {
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), daemon->port()});
    socket.non_blocking(true);
    return socket;
  }
  // The same, over TLS and behind its handshake.
  struct SecureSocket {
    explicit SecureSocket(TlsGateway& test)
        : identity(TlsIdentity::ForClient(
              test.folder.Put("device", test.authority.Device(), test.authority.certificate()))),
          socket(test.Connected()),
          tls(identity.value(), socket.native_handle(), "127.0.0.1") {
      EXPECT_TRUE(test.Until([this] { return tls.Handshake() == TlsStream::Step::kDone; }));
    }
    void LogOn(std::string_view token) {
      Bytes logon;
      RequestBuilder().Logon({.token = token}, logon);
      boost::system::error_code error;
      ASSERT_EQ(tls.Write(logon, error), logon.size());
    }
    // Hands on the whole frames that have come. Ensures: true where the gateway has ended it.
    bool Hear(MessageHandler& handler) {
      Bytes room(100'000);
      boost::system::error_code error;
      const std::size_t read = tls.Read(room, error);
      heard.insert(heard.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(read));
      for (Scan scan = ScanFrame(heard, kFrameBytesMax); scan.result == ScanResult::kFrame;
           scan = ScanFrame(heard, kFrameBytesMax)) {
        EXPECT_TRUE(Deliver(scan.frame, handler));
        heard.erase(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(scan.length));
      }
      return error && error != boost::asio::error::would_block;
    }

    absl::StatusOr<std::shared_ptr<const TlsIdentity>> identity;
    boost::asio::ip::tcp::socket socket;
    TlsStream tls;
    Bytes heard;  // The begin of a frame.
  };
  static bool HasEnded(boost::asio::ip::tcp::socket& socket) {
    std::byte room[1'000];
    boost::system::error_code error;
    socket.read_some(boost::asio::buffer(room), error);
    return error && error != boost::asio::error::would_block;
  }

  CertificateFolder folder;
  TestAuthority authority{"the city's"};
  TestCertificate own = authority.Daemon();
  std::unique_ptr<HandTurnedGateway> daemon;
  boost::asio::io_context io;
  ClientDesk desk{io};
};

TEST_F(TlsGateway, LogsAClientOnByItsCertificate) {
  const TestCertificate certificate = authority.Device();
  Device device(*this, certificate);
  const engine::LogonBody logon = NextLogon(NextCommand());
  EXPECT_EQ(logon.proof, engine::LogonProof::kCertificate);
  EXPECT_EQ(logon.hash, certificate.hash);
}

TEST_F(TlsGateway, BringsRequestsAndFillsOfManyFramesBothWays) {
  Device device(*this, authority.Device());
  LogOn(device, kCredential);
  std::size_t orders = 0;
  for (int frame = 0; frame < 20; ++frame) {
    const std::vector<engine::OrderBody> bodies(1'000, {.account = engine::AccountId(1),
                                                        .client_order_id = engine::ClientOrderId(1),
                                                        .product = {}});
    device.client->Submit(bodies);
  }
  for (int frame = 0; frame < 20; ++frame) {
    const SentCommand command = NextCommand();
    EXPECT_EQ(command.header().client_seq, static_cast<std::uint64_t>(frame) + 1);
    orders += command.header().count;
    daemon->Send(daemon->Accepted(command));
  }
  EXPECT_EQ(orders, 20'000U);
  EXPECT_TRUE(Until([&] { return device.heard.answered == 20'000; }));
  constexpr std::size_t kFills = 3'000;
  for (std::size_t i = 0; i < kFills; ++i) {
    engine::Event fill;
    fill.type = engine::EventType::kFill;
    fill.credential = engine::CredentialId(kCredential);
    fill.event_number = i + 1;
    daemon->Send(fill);
  }
  EXPECT_TRUE(Until([&] { return device.heard.fills == kFills; }));
}

TEST_F(TlsGateway, TellsAStrangerByAnAlert) {
  TestAuthority another("another city's");
  Device device(*this, another.Device());
  EXPECT_TRUE(Until([&] { return device.heard.disconnected > 0; }));
  EXPECT_THAT(device.heard.why, HasSubstr("alert unknown ca"));
  EXPECT_EQ(device.heard.ready, 0);
  EXPECT_GT(daemon->gateway().counters().handshakes_failed.value(), 0U);
  EXPECT_THAT(daemon->gateway().counters().handshake_why.Get(), HasSubstr("127.0.0.1: "));
  EXPECT_FALSE(daemon->HasCommand());
}

TEST_F(TlsGateway, TellsOneWhoseCertificateHasEnded) {
  Device device(*this, authority.Issue({.to_s = -1}));
  EXPECT_TRUE(Until([&] { return device.heard.disconnected > 0; }));
  EXPECT_THAT(device.heard.why, HasSubstr("alert certificate expired"));
}

TEST_F(TlsGateway, EndsASessionWhenItsCertificateEnds) {
  Device device(*this, authority.Issue({.to_s = 2}));
  LogOn(device, kCredential);
  EXPECT_TRUE(Until([&] { return device.heard.disconnected > 0; }));
  EXPECT_EQ(device.heard.terminated, TerminateReason::kCertificate);
}

// A record that is on its way is finished, whatever is dropped behind it.
TEST_F(TlsGateway, EndsASlowReaderWithWholeFrames) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.aggregator_output_bytes = std::size_t{64} << 10;
  options.closing_timeout = milliseconds(60'000);
  Listen(options);
  SecureSocket slow(*this);
  slow.LogOn("");
  daemon->AnswerLogon(NextCommand(), kCredential);
  engine::Event fill;
  fill.type = engine::EventType::kFill;
  fill.credential = engine::CredentialId(kCredential);
  ASSERT_TRUE(Until([&] {
    for (int i = 0; i < 500; ++i) {
      ++fill.event_number;
      daemon->Send(fill);
    }
    return daemon->gateway().counters().slow_readers.value() == 1;
  }));
  Hearing hearing;
  EXPECT_TRUE(Until([&] { return slow.Hear(hearing); }));
  EXPECT_EQ(hearing.terminated, TerminateReason::kSlowReader);
  EXPECT_TRUE(slow.heard.empty());
  EXPECT_GT(hearing.fills, 0U);
}

TEST_F(TlsGateway, IsNotTakenForAnotherByItsClients) {
  Device device(*this, authority.Device(), "elsewhere.example");
  EXPECT_TRUE(Until([&] { return device.heard.disconnected > 0; }));
  EXPECT_THAT(device.heard.why, HasSubstr("ostname mismatch"));
}

TEST_F(TlsGateway, EndsWhoIsRevokedAndNobodyElse) {
  const TestCertificate lost = authority.Device();
  Device revoked(*this, lost);
  LogOn(revoked, 1);
  Device kept(*this, authority.Device());
  LogOn(kept, 2);
  UseTls(authority.Revoked({lost.serial}));
  EXPECT_TRUE(Until([&] { return revoked.heard.disconnected > 0; }));
  EXPECT_EQ(revoked.heard.terminated, TerminateReason::kCertificate);
  EXPECT_FALSE(revoked.heard.again);
  const engine::OrderBody order{.account = engine::AccountId(1), .product = {}};
  kept.client->Submit({&order, 1});
  daemon->Send(daemon->Accepted(NextCommand()));
  EXPECT_TRUE(Until([&] { return kept.heard.answered == 1; }));
  EXPECT_EQ(kept.heard.disconnected, 0);
  // Nor does the revoked one come in again.
  Device back(*this, lost);
  EXPECT_TRUE(Until([&] { return back.heard.disconnected > 0; }));
  EXPECT_THAT(back.heard.why, HasSubstr("alert certificate revoked"));
}

TEST_F(TlsGateway, ChecksAHandshakeThatBeganBeforeTheRevocation) {
  const TestCertificate lost = authority.Device();
  Device device(*this, lost);
  // The first words of the client have come, and the daemon has answered them.
  ASSERT_TRUE(Until([&] { return daemon->gateway().counters().sessions.value() == 1; }));
  for (int i = 0; i < 3; ++i) daemon->gateway().Turn();
  UseTls(authority.Revoked({lost.serial}));
  EXPECT_TRUE(Until([&] { return device.heard.disconnected > 0; }));
  EXPECT_EQ(device.heard.ready, 0);
  EXPECT_FALSE(daemon->HasCommand());
}

TEST_F(TlsGateway, TakesNothingThatIsNotEncrypted) {
  auto socket = Connected();
  RequestBuilder builder;
  Bytes bytes;
  builder.Logon({.token = "pw_secret"}, bytes);
  boost::system::error_code error;
  socket.write_some(boost::asio::buffer(bytes), error);
  EXPECT_TRUE(Until([&] { return HasEnded(socket); }));
  EXPECT_FALSE(daemon->HasCommand());
}

TEST_F(TlsGateway, EndsAHandshakeThatIsNotOverInTime) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.logon_timeout = milliseconds(30);
  Listen(options);
  auto silent = Connected();
  auto begun = Connected();
  const std::string hello = "\x16\x03\x01\x01\x00";  // Of a record of 256 bytes.
  boost::system::error_code error;
  begun.write_some(boost::asio::buffer(hello), error);
  EXPECT_TRUE(Until([&] { return HasEnded(silent) && HasEnded(begun); }));
  silent.close();
  begun.close();
  EXPECT_TRUE(Until([&] { return daemon->admission().connections() == 0; }));
}

TEST_F(TlsGateway, EndsALogonThatDoesNotComeBehindTheHandshake) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.logon_timeout = milliseconds(200);
  Listen(options);
  SecureSocket silent(*this);
  Hearing hearing;
  EXPECT_TRUE(Until([&] { return silent.Hear(hearing); }));
}

TEST_F(TlsGateway, StopsWhileHandshakesAreUnderWay) {
  auto silent = Connected();
  ASSERT_TRUE(Until([&] { return daemon->gateway().counters().sessions.value() == 1; }));
  daemon->gateway().RequestStop();
  EXPECT_TRUE(Until([&] { return HasEnded(silent); }));
  silent.close();
  EXPECT_TRUE(Until([&] { return daemon->gateway().stopped(); }));
}

TEST_F(TlsGateway, RefusesATokenSinceTheCertificateSaysWhoItIs) {
  SecureSocket client(*this);
  client.LogOn("pw_secret");
  Hearing hearing;
  EXPECT_TRUE(Until([&] { return client.Hear(hearing); }));
  EXPECT_FALSE(daemon->HasCommand());
  EXPECT_EQ(hearing.terminated, TerminateReason::kMalformed);
}

}  // namespace
}  // namespace gateway
