// TLS on a connected socket that is never waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/system/error_code.hpp>
#include <openssl/ssl.h>

#include "engine/core/definition_body.h"
#include "gateway/tls_identity.h"

namespace gateway {

// Reads and writes as a socket does that does not block: would_block, eof, or an error that is the
// end. Idle, it holds no buffer of the size of a record.
//
// Thread: one owner.
class TlsStream {
 public:
  // A daemon's end of it. Requires: the socket `fd` does not block and outlives this.
  TlsStream(std::shared_ptr<const TlsIdentity> context, int fd);
  // A client's end, for a daemon called `name`: a host's name or an IP address.
  TlsStream(std::shared_ptr<const TlsIdentity> context, int fd, const std::string& name);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Step : std::uint8_t { kDone, kWantsRead, kWantsWrite, kFailed };
  // Goes on with the handshake as far as the socket lets it.
  // Cost: up to a signature and a few checks of signatures.
  Step Handshake();
  bool secure() const { return secure_; }
  // Why the handshake failed, or what came later; for people.
  const std::string& why() const { return why_; }

  // Of the peer. Requires: secure().
  std::optional<engine::CertificateHash> peer() const;
  // Whether a daemon with this context would take the client now. Requires: secure().
  bool IsTrusted(const TlsIdentity& context) const;
  // Made with another's keys or by a ticket: then the certificate was not looked at just now.
  bool NeedsCheck(const TlsIdentity& now) const;

  // Ensures: as many bytes as there are and have room, of 64 KiB on the wire at most: a peer that
  //          sends much that brings nothing holds nobody up.
  std::size_t Read(std::span<std::byte> to, boost::system::error_code& error);
  // More may be there to be read though the socket has nothing.
  bool has_unread() const { return unread_; }
  // A caller has kept to itself that Read() said the end: it will ask once more.
  void SayEndAgain() { unread_ = true; }

  // Ensures: after would_block the next call begins with the same bytes; pending_bytes() of them
  //          are on their way and cannot be taken back.
  std::size_t Write(std::span<const std::byte> from, boost::system::error_code& error);
  std::size_t pending_bytes() const { return pending_; }

  // Says that nothing more comes, where there is room to say so.
  void EndOutput();

  // When the peer's certificate ends, in seconds since 1970. Requires: secure().
  std::int64_t PeerEndsAt() const;

 private:
  // What OpenSSL reads from and writes to.
  struct Socket {
    int fd;
    std::size_t room;  // Bytes that may still be received in this call.
  };

  static int SendBytes(BIO* bio, const char* bytes, std::size_t count, std::size_t* sent);
  static int ReceiveBytes(BIO* bio, char* bytes, std::size_t count, std::size_t* received);
  static const BIO_METHOD* SocketMethod();
  static void CountMessages(int written, int version, int type, const void* bytes,
                            std::size_t length, SSL* ssl, void* self);
  void Begin();
  boost::system::error_code Error(int result);

  Socket socket_;
  std::shared_ptr<const TlsIdentity> context_;
  SSL* ssl_ = nullptr;
  bool secure_ = false;
  bool unread_ = false;
  std::size_t pending_ = 0;
  std::uint32_t messages_ = 0;  // Of handshakes, that came since it is secure.
  std::string why_;
};

}  // namespace gateway
