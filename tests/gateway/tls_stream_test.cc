#include "gateway/tls_stream.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/random_source.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using testing::HasSubstr;
using Step = TlsStream::Step;
using Bytes = std::vector<std::byte>;

// Both ends of TLS in one thread, over sockets that hold little.
class TlsStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    daemon_fd = pair[0];
    client_fd = pair[1];
    const int small = 4'096;
    for (const int fd : pair) {
      ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    }
  }
  void TearDown() override {
    ::close(daemon_fd);
    CloseClient();
  }
  void CloseClient() {
    if (client_fd >= 0) ::close(client_fd);
    client_fd = -1;
  }

  std::shared_ptr<const TlsIdentity> DaemonContext(const std::string& revoked = "") {
    auto made = TlsIdentity::ForDaemon(
        folder.Put("daemon", authority.Daemon(), authority.certificate(), revoked));
    EXPECT_TRUE(made.ok()) << made.status();
    return *made;
  }
  std::shared_ptr<const TlsIdentity> ClientContext(const TestCertificate& own,
                                                   const TestAuthority& trusts) {
    auto made = TlsIdentity::ForClient(folder.Put("client", own, trusts.certificate()));
    EXPECT_TRUE(made.ok()) << made.status();
    return *made;
  }
  void Begin(std::shared_ptr<const TlsIdentity> client_context,
             const std::string& name = "127.0.0.1") {
    daemon = std::make_unique<TlsStream>(DaemonContext(), daemon_fd);
    client = std::make_unique<TlsStream>(std::move(client_context), client_fd, name);
  }
  // In turns, until both are done or one fails. Ensures: true where both are done.
  bool Shake() {
    for (int turns = 0; turns < 100; ++turns) {
      const Step c = client->secure() ? Step::kDone : client->Handshake();
      const Step d = daemon->secure() ? Step::kDone : daemon->Handshake();
      if (c == Step::kFailed || d == Step::kFailed) return false;
      if (c == Step::kDone && d == Step::kDone) return true;
    }
    ADD_FAILURE() << "neither done nor failed";
    return false;
  }
  void BeginSecure() {
    Begin(ClientContext(device, authority));
    ASSERT_TRUE(Shake()) << daemon->why() << client->why();
  }
  // All that is there.
  static Bytes ReadAll(TlsStream& from, error_code& error) {
    Bytes all;
    Bytes piece(10'000);
    for (;;) {
      const std::size_t read = from.Read(piece, error);
      if (error) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(read));
    }
  }

  CertificateFolder folder;
  TestAuthority authority{"the city's"};
  TestCertificate device = authority.Device();
  int daemon_fd = -1;
  int client_fd = -1;
  std::unique_ptr<TlsStream> daemon;
  std::unique_ptr<TlsStream> client;
};

TEST_F(TlsStreamTest, TellsEachWhoTheOtherIs) {
  BeginSecure();
  EXPECT_EQ(daemon->peer(), device.hash);
  EXPECT_TRUE(client->peer().has_value());
}

TEST_F(TlsStreamTest, TakesADaemonByItsNameToo) {
  Begin(ClientContext(device, authority), "exchange.example");
  EXPECT_TRUE(Shake()) << client->why();
}

TEST_F(TlsStreamTest, RefusesADaemonOfAnotherName) {
  Begin(ClientContext(device, authority), "other.example");
  EXPECT_FALSE(Shake());
  EXPECT_THAT(client->why(), HasSubstr("ostname mismatch"));
}

TEST_F(TlsStreamTest, RefusesADaemonOfAStranger) {
  const TestAuthority another("another city's");
  Begin(ClientContext(device, another));
  EXPECT_FALSE(Shake());
  EXPECT_THAT(client->why(), HasSubstr("unable to get local issuer certificate"));
}

TEST_F(TlsStreamTest, RefusesAClientOfAStranger) {
  TestAuthority another("another city's");
  Begin(ClientContext(another.Device(), authority));
  EXPECT_FALSE(Shake());
  EXPECT_THAT(daemon->why(), HasSubstr("unable to get local issuer certificate"));
}

TEST_F(TlsStreamTest, RefusesAClientThatShowsNothing) {
  auto bare = TlsIdentity::ForClient(
      {.authorities = folder.Put("authorities.pem", authority.certificate())});
  ASSERT_TRUE(bare.ok()) << bare.status();
  Begin(*bare);
  EXPECT_FALSE(Shake());
  EXPECT_THAT(daemon->why(), HasSubstr("peer did not return a certificate"));
}

TEST_F(TlsStreamTest, RefusesWhatIsNoHandshake) {
  Begin(ClientContext(device, authority));
  const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(client_fd, garbage.data(), garbage.size(), 0),
            static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(daemon->Handshake(), Step::kFailed);
  EXPECT_EQ(daemon->why(), "http request");
}

TEST_F(TlsStreamTest, FailsWhereTheOtherGoesInTheHandshake) {
  Begin(ClientContext(device, authority));
  EXPECT_EQ(client->Handshake(), Step::kWantsRead);
  EXPECT_EQ(daemon->Handshake(), Step::kWantsRead);
  CloseClient();
  EXPECT_EQ(daemon->Handshake(), Step::kFailed);
}

TEST_F(TlsStreamTest, MayHaveReadMoreThanTheHandshake) {
  Begin(ClientContext(device, authority));
  ASSERT_EQ(client->Handshake(), Step::kWantsRead);
  // Until the client is done and has said something, all of which the daemon reads at once.
  while (!client->secure()) {
    ASSERT_NE(daemon->Handshake(), Step::kFailed);
    ASSERT_NE(client->Handshake(), Step::kFailed);
  }
  error_code error;
  const Bytes said(5, std::byte{7});
  ASSERT_EQ(client->Write(said, error), said.size());
  ASSERT_EQ(daemon->Handshake(), Step::kDone);
  EXPECT_TRUE(daemon->has_unread());
  EXPECT_EQ(ReadAll(*daemon, error), said);
  EXPECT_EQ(error, asio::error::would_block);
  EXPECT_FALSE(daemon->has_unread());
}

// Whatever pieces it is written and read in, and wherever the bytes lie when a write is tried
// again.
TEST_F(TlsStreamTest, BringsAllBytesInTheirOrder) {
  BeginSecure();
  engine::RandomSource random(5);
  Bytes sent;
  while (sent.size() < 300'000) sent.push_back(static_cast<std::byte>(random.Below(256)));
  Bytes heard;
  std::size_t written = 0;
  bool blocked = false;
  for (int turn = 0; heard.size() < sent.size() && turn < 100'000; ++turn) {
    if (written < sent.size() && random.Below(2) == 0) {
      const std::size_t least = client->pending_bytes();
      const std::size_t most = std::min(sent.size() - written, least + random.Below(50'000));
      const Bytes moved(sent.begin() + static_cast<std::ptrdiff_t>(written),
                        sent.begin() + static_cast<std::ptrdiff_t>(written + most));
      error_code error;
      written += client->Write(moved, error);
      blocked |= error == asio::error::would_block;
      ASSERT_TRUE(!error || error == asio::error::would_block) << error.message();
      EXPECT_TRUE(error || client->pending_bytes() == 0U);
    }
    Bytes piece(1 + random.Below(20'000));
    error_code error;
    const std::size_t read = daemon->Read(piece, error);
    ASSERT_TRUE(!error || error == asio::error::would_block) << error.message();
    EXPECT_EQ(error == asio::error::would_block, read == 0);
    heard.insert(heard.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(read));
  }
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(heard == sent);
}

TEST_F(TlsStreamTest, EndsBehindTheLastByte) {
  BeginSecure();
  error_code error;
  const Bytes said(1'000, std::byte{1});
  ASSERT_EQ(client->Write(said, error), said.size());
  client->EndOutput();
  Bytes room(5'000);
  EXPECT_EQ(daemon->Read(room, error), said.size());
  EXPECT_FALSE(error);
  EXPECT_TRUE(daemon->has_unread()) << "the end is read, and nobody will say so again";
  EXPECT_EQ(daemon->Read(room, error), 0U);
  EXPECT_EQ(error, asio::error::eof);
  // The other way is open still.
  EXPECT_EQ(daemon->Write(said, error), said.size());
  EXPECT_EQ(ReadAll(*client, error), said);
}

TEST_F(TlsStreamTest, EndsWhereTheSocketDoes) {
  BeginSecure();
  CloseClient();
  Bytes room(100);
  error_code error;
  EXPECT_EQ(daemon->Read(room, error), 0U);
  EXPECT_TRUE(error && error != asio::error::would_block) << error.message();
}

TEST_F(TlsStreamTest, TakesNoByteThatWasChangedOnTheWay) {
  BeginSecure();
  error_code error;
  const Bytes said(100, std::byte{1});
  ASSERT_EQ(client->Write(said, error), said.size());
  std::byte wire[1'000];
  const ssize_t length = ::recv(daemon_fd, wire, sizeof(wire), 0);
  ASSERT_GT(length, 100);
  wire[length / 2] ^= std::byte{1};
  ASSERT_EQ(::send(client_fd, wire, static_cast<std::size_t>(length), 0), length);
  Bytes room(5'000);
  EXPECT_EQ(daemon->Read(room, error), 0U);
  EXPECT_TRUE(error && error != asio::error::would_block);
  EXPECT_NE(daemon->why(), "");
}

TEST_F(TlsStreamTest, HasToBeLookedAtAgainUnderAnotherContext) {
  const auto context = DaemonContext();
  daemon = std::make_unique<TlsStream>(context, daemon_fd);
  client = std::make_unique<TlsStream>(ClientContext(device, authority), client_fd, "127.0.0.1");
  ASSERT_TRUE(Shake());
  EXPECT_FALSE(daemon->NeedsCheck(*context));
  const auto revoked = DaemonContext(authority.Revoked({device.serial}));
  EXPECT_TRUE(daemon->NeedsCheck(*revoked));
  EXPECT_FALSE(daemon->IsTrusted(*revoked));
  EXPECT_TRUE(daemon->IsTrusted(*context));
}

// A client that does with TLS what ours does not.
class RawTls {
 public:
  RawTls(const TlsIdentity& identity, int fd, SSL_SESSION* ticket = nullptr)
      : ssl_(SSL_new(identity.native())) {
    SSL_set_fd(ssl_, fd);
    SSL_set_connect_state(ssl_);
    if (ticket != nullptr) SSL_set_session(ssl_, ticket);
  }
  ~RawTls() { SSL_free(ssl_); }
  RawTls(const RawTls&) = delete;
  RawTls& operator=(const RawTls&) = delete;

  bool Shake(TlsStream& daemon) {
    for (int turns = 0; turns < 100; ++turns) {
      const int mine = SSL_do_handshake(ssl_);
      if (!daemon.secure() && daemon.Handshake() == Step::kFailed) return false;
      if (mine == 1 && daemon.secure()) return true;
    }
    return false;
  }
  void AskForKeys() {
    ASSERT_EQ(SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ssl_), 1);
  }
  void Say(std::size_t count) {
    const std::vector<char> bytes(count, 'x');
    ASSERT_EQ(SSL_write(ssl_, bytes.data(), static_cast<int>(count)), static_cast<int>(count));
  }
  // Reads what has come, tickets too.
  std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> Ticket() {
    char room[100];
    EXPECT_LT(SSL_read(ssl_, room, sizeof(room)), 0);
    return {SSL_get1_session(ssl_), SSL_SESSION_free};
  }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }

 private:
  SSL* const ssl_;
};

TEST_F(TlsStreamTest, EndsAPeerThatAsksForNewKeysAgainAndAgain) {
  daemon = std::make_unique<TlsStream>(DaemonContext(), daemon_fd);
  RawTls raw(*ClientContext(device, authority), client_fd);
  ASSERT_TRUE(raw.Shake(*daemon)) << daemon->why();
  error_code error;
  Bytes room(1'000);
  int asked = 0;
  // A few are as they should be.
  for (; asked < 10; ++asked) raw.AskForKeys();
  raw.Say(5);
  EXPECT_EQ(daemon->Read(room, error), 5U);
  while (asked < 1'000 && (!error || error == asio::error::would_block)) {
    raw.AskForKeys();
    ++asked;
    daemon->Read(room, error);
  }
  EXPECT_LT(asked, 50);
  EXPECT_EQ(daemon->why(), "too many new keys or handshakes");
}

TEST_F(TlsStreamTest, ReadsNoMoreAtOnceThanItHasTimeFor) {
  const int large = 1 << 20;
  ASSERT_EQ(::setsockopt(client_fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)), 0);
  daemon = std::make_unique<TlsStream>(DaemonContext(), daemon_fd);
  RawTls raw(*ClientContext(device, authority), client_fd);
  ASSERT_TRUE(raw.Shake(*daemon)) << daemon->why();
  constexpr std::size_t kRecords = 4'000;  // Of one byte, and 22 around it.
  // The system's buffer has room for some hundreds; the stream is given all of them in pieces.
  std::size_t said = 0;
  std::size_t heard = 0;
  Bytes room(100'000);
  error_code error;
  while (heard < kRecords) {
    for (int i = 0; i < 100 && said < kRecords; ++i, ++said) raw.Say(1);
    const std::size_t read = daemon->Read(room, error);
    EXPECT_LE(read, (std::size_t{64} << 10) / 22);
    heard += read;
  }
  EXPECT_EQ(heard, kRecords);
}

TEST_F(TlsStreamTest, LooksAtACertificateAgainThatATicketBrings) {
  const auto context = DaemonContext();
  const auto client_context = ClientContext(device, authority);
  daemon = std::make_unique<TlsStream>(context, daemon_fd);
  auto first = std::make_unique<RawTls>(*client_context, client_fd);
  ASSERT_TRUE(first->Shake(*daemon)) << daemon->why();
  EXPECT_FALSE(daemon->NeedsCheck(*context));
  const auto ticket = first->Ticket();
  TearDown();
  SetUp();
  daemon = std::make_unique<TlsStream>(context, daemon_fd);
  RawTls again(*client_context, client_fd, ticket.get());
  ASSERT_TRUE(again.Shake(*daemon)) << daemon->why();
  ASSERT_TRUE(again.resumed());
  EXPECT_TRUE(daemon->NeedsCheck(*context));
  EXPECT_TRUE(daemon->IsTrusted(*context));
  EXPECT_EQ(daemon->peer(), device.hash);
}

}  // namespace
}  // namespace gateway
