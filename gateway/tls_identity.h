// What one side of TLS connections has: its certificate, and whom it trusts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "absl/status/statusor.h"
#include "engine/core/definition_body.h"

namespace gateway {

// All PEM.
struct TlsFiles {
  std::string certificate{};  // Its own first, then those between it and what the peer trusts.
  std::string key{};          // Of its own certificate.
  std::string authorities{};  // Those that issued the peers' certificates, or these themselves.
  std::string revoked{};      // Lists of what authorities have revoked; empty: none are asked.

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// SHA-256 of a certificate's DER. Its first 20 bytes are the LFDI of IEEE 2030.5.
engine::CertificateHash HashCertificate(const X509& certificate);
std::string LfdiOf(const engine::CertificateHash& hash);

// The hashes of the certificates in a PEM file, in its order.
absl::StatusOr<std::vector<engine::CertificateHash>> HashCertificates(const std::string& file);

// TLS 1.3, or 1.2 with ephemeral keys and authenticated encryption; no renegotiation.
//
// A daemon takes a client whose certificate one of the authorities has issued directly, that has
// neither ended nor been revoked: what a client sends beside its own certificate is not looked at.
// A list of revoked certificates holds on when its time is over, until it is replaced.
// Sessions may be resumed; whether the certificate is still good the gateway asks then.
// A client takes a daemon by the usual rules, with the name that it was called by.
//
// Thread: any, once it is made.
class TlsIdentity {
 public:
  // Ensures: errors name the file and what is wrong with it. Where there are lists of revoked
  //          certificates there is one of each authority, whole and signed by it.
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> ForDaemon(const TlsFiles& files);
  // Without certificate and key it has none to show.
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> ForClient(const TlsFiles& files);

  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // Whether a client that shows this would be taken now. For a daemon.
  bool Trusts(X509& client) const;

  // What an operator should know: lists whose time is over, a certificate of its own that ends, a
  // key that others can read.
  const std::vector<std::string>& warnings() const { return warnings_; }
  SSL_CTX* native() const { return context_; }

 private:
  explicit TlsIdentity(SSL_CTX* context) : context_(context) {}
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Make(const SSL_METHOD* method);
  absl::Status UseCertificate(const TlsFiles& files);
  static int Verify(X509_STORE_CTX* presented, void* context);

  SSL_CTX* const context_;
  std::vector<std::string> warnings_;
};

}  // namespace gateway
