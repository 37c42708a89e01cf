#include "gateway/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include <boost/asio/error.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "engine/core/check.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// What of the peer one call takes from the wire.
constexpr std::size_t kReceiveBytesMost = std::size_t{64} << 10;
// New keys and new handshakes that a peer may ask for: each costs much, and none is needed before
// some millions of records.
constexpr std::uint32_t kMessagesMost = 32;

bool MayRetry() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

long Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// The first that was put into this thread's queue says why; those behind it are who passed it on.
std::string FirstError() {
  const unsigned long code = ERR_peek_error();
  const char* const words = code == 0 ? nullptr : ERR_reason_error_string(code);
  return words == nullptr ? "the connection ended" : words;
}

}  // namespace

// OpenSSL's own socket BIO would raise SIGPIPE.
int TlsStream::SendBytes(BIO* bio, const char* bytes, std::size_t count, std::size_t* sent) {
  BIO_clear_retry_flags(bio);
  const auto* const socket = static_cast<const Socket*>(BIO_get_data(bio));
  const ssize_t done = ::send(socket->fd, bytes, count, MSG_NOSIGNAL);
  if (done < 0) {
    if (MayRetry()) BIO_set_retry_write(bio);
    return 0;
  }
  *sent = static_cast<std::size_t>(done);
  return 1;
}

int TlsStream::ReceiveBytes(BIO* bio, char* bytes, std::size_t count, std::size_t* received) {
  BIO_clear_retry_flags(bio);
  auto* const socket = static_cast<Socket*>(BIO_get_data(bio));
  if (socket->room == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const ssize_t done = ::recv(socket->fd, bytes, std::min(count, socket->room), 0);
  if (done <= 0) {
    if (done < 0 && MayRetry()) BIO_set_retry_read(bio);
    return 0;
  }
  *received = static_cast<std::size_t>(done);
  socket->room -= *received;
  return 1;
}

const BIO_METHOD* TlsStream::SocketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    CHECK(made != nullptr);
    BIO_meth_set_write_ex(made, SendBytes);
    BIO_meth_set_read_ex(made, ReceiveBytes);
    BIO_meth_set_ctrl(made, Control);
    return made;
  }();
  return method;
}

// NOLINTNEXTLINE(readability-function-size): as OpenSSL calls it.
void TlsStream::CountMessages(int written, int /*version*/, int type, const void* /*bytes*/,
                              std::size_t /*length*/, SSL* /*ssl*/, void* self) {
  auto* const stream = static_cast<TlsStream*>(self);
  if (written == 0 && type == SSL3_RT_HANDSHAKE && stream->secure_) ++stream->messages_;
}

TlsStream::TlsStream(std::shared_ptr<const TlsIdentity> context, int fd)
    : socket_{.fd = fd, .room = 0}, context_(std::move(context)) {
  Begin();
  SSL_set_accept_state(ssl_);
  SSL_set_msg_callback(ssl_, CountMessages);
  SSL_set_msg_callback_arg(ssl_, this);
}

TlsStream::TlsStream(std::shared_ptr<const TlsIdentity> context, int fd, const std::string& name)
    : socket_{.fd = fd, .room = 0}, context_(std::move(context)) {
  CHECK(!name.empty());  // No name is checked then.
  Begin();
  SSL_set_connect_state(ssl_);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1) return;
  ERR_clear_error();
  // A name that cannot be one is no certificate's: the handshake fails.
  CHECK(SSL_set1_host(ssl_, name.c_str()) == 1);
  SSL_set_tlsext_host_name(ssl_, name.c_str());
}

void TlsStream::Begin() {
  ssl_ = SSL_new(context_->native());
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(SocketMethod());
  CHECK(bio != nullptr);  // Out of memory.
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Step TlsStream::Handshake() {
  ERR_clear_error();
  socket_.room = kReceiveBytesMost;
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    secure_ = true;
    unread_ = true;  // What came behind the handshake may have been read with it.
    return Step::kDone;
  }
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantsWrite;
    default:
      break;
  }
  const long verified = SSL_get_verify_result(ssl_);
  why_ = verified == X509_V_OK ? FirstError() : X509_verify_cert_error_string(verified);
  return Step::kFailed;
}

std::optional<engine::CertificateHash> TlsStream::peer() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return std::nullopt;
  return HashCertificate(*certificate);
}

bool TlsStream::IsTrusted(const TlsIdentity& context) const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  return certificate != nullptr && context.Trusts(*certificate);
}

std::int64_t TlsStream::PeerEndsAt() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  std::tm end{};
  const ASN1_TIME* const at = certificate == nullptr ? nullptr : X509_get0_notAfter(certificate);
  const bool read = at != nullptr && ASN1_TIME_to_tm(at, &end) == 1;
  return read ? ::timegm(&end) : 0;
}

bool TlsStream::NeedsCheck(const TlsIdentity& now) const {
  return context_.get() != &now || SSL_session_reused(ssl_) == 1;
}

// A peer that asks for new keys and does not read their answer, or for a new handshake, is not
// waited for: it would be asked for output while we read, and never stop.
error_code TlsStream::Error(int result) {
  if (messages_ > kMessagesMost) {
    why_ = "too many new keys or handshakes";
    return asio::error::connection_reset;
  }
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SYSCALL:
      return errno == 0 ? asio::error::make_error_code(asio::error::misc_errors::eof)
                        : error_code(errno, boost::system::system_category());
    default:
      why_ = FirstError();  // An alert of the peer's, maybe.
      return asio::error::connection_reset;
  }
}

std::size_t TlsStream::Read(std::span<std::byte> to, error_code& error) {
  CHECK(secure_);
  error = {};
  socket_.room = kReceiveBytesMost;
  std::size_t done = 0;
  while (done < to.size()) {
    ERR_clear_error();
    errno = 0;
    std::size_t read = 0;
    const int result = SSL_read_ex(ssl_, to.data() + done, to.size() - done, &read);
    if (result == 1) {
      done += read;
      continue;
    }
    unread_ = false;
    if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ && messages_ <= kMessagesMost) {
      unread_ = socket_.room == 0;
      if (done == 0) error = asio::error::would_block;
      return done;
    }
    if (done == 0) error = Error(result);
    unread_ = done != 0;  // The next call says it again.
    return done;
  }
  unread_ = true;
  return done;
}

std::size_t TlsStream::Write(std::span<const std::byte> from, error_code& error) {
  CHECK(secure_ && from.size() >= pending_);
  error = {};
  std::size_t done = 0;
  while (done < from.size()) {
    ERR_clear_error();
    errno = 0;
    const std::size_t asked = std::min<std::size_t>(from.size() - done, SSL3_RT_MAX_PLAIN_LENGTH);
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, from.data() + done, asked, &written);
    if (result == 1) {
      pending_ = 0;
      done += written;
      continue;
    }
    const bool blocks = SSL_get_error(ssl_, result) == SSL_ERROR_WANT_WRITE;
    error = blocks ? error_code(asio::error::would_block) : Error(result);
    pending_ = blocks ? asked : 0;
    return done;
  }
  return done;
}

void TlsStream::EndOutput() {
  if (!secure_ || pending_ != 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

}  // namespace gateway
