#include "gateway/tls_identity.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/hex.h"

namespace gateway {
namespace {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* thing) const {
    kFree(thing);
  }
};
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using RevokedPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using CheckPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

constexpr std::size_t kLfdiBytes = 20;
constexpr std::int64_t kEndsSoonS = std::int64_t{30} * 86'400;
constexpr long kPeerChainBytesMax = 16 << 10;
// Of a resumed session; OpenSSL's own default for TLS 1.3.
constexpr long kTicketS = 7'200;
constexpr unsigned char kSessionContext[] = "peerwatt";

absl::Status FileError(const std::string& file, std::string_view what) {
  const unsigned long code = ERR_peek_last_error();
  const char* const words = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(
      file, ": ", std::string(what), words == nullptr ? "" : ": ", words == nullptr ? "" : words));
}

absl::StatusOr<BioPtr> OpenFile(const std::string& file) {
  ERR_clear_error();
  BioPtr opened(BIO_new_file(file.c_str(), "r"));
  if (opened == nullptr) return FileError(file, "cannot be read");
  return opened;
}

// No file of ours asks a terminal for a password.
int NoPassword(char* /*to*/, int /*size*/, int /*writing*/, void* /*pointer*/) { return 0; }

// All of one kind in a PEM file; `read` is OpenSSL's function for one.
template <typename Pointer, auto kRead>
absl::StatusOr<std::vector<Pointer>> ReadAll(const std::string& file, std::string_view what) {
  auto opened = OpenFile(file);
  if (!opened.ok()) return opened.status();
  std::vector<Pointer> found;
  for (;;) {
    Pointer next(kRead(opened->get(), nullptr, NoPassword, nullptr));
    if (next == nullptr) break;
    found.push_back(std::move(next));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) return FileError(file, absl::StrCat(std::string(what), " that cannot be read"));
  ERR_clear_error();
  if (found.empty()) return FileError(file, absl::StrCat("holds no ", std::string(what), " (PEM)"));
  return found;
}

absl::StatusOr<std::vector<CertificatePtr>> ReadCertificates(const std::string& file) {
  return ReadAll<CertificatePtr, PEM_read_bio_X509>(file, "certificate");
}

std::string Text(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  CHECK(out != nullptr);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

// Its time is over, or will be so many seconds from now.
bool EndsWithin(const ASN1_TIME* end, std::int64_t seconds) {
  std::time_t then = std::time(nullptr) + seconds;
  return end != nullptr && X509_cmp_time(end, &then) < 0;
}

// Who has signed the list; null: none of these, or one that may not.
const X509* AuthorOf(X509_CRL& list, const std::vector<CertificatePtr>& authorities) {
  for (const CertificatePtr& one : authorities) {
    const bool named =
        X509_NAME_cmp(X509_get_subject_name(one.get()), X509_CRL_get_issuer(&list)) == 0;
    // Without the extension a key may be used for everything.
    const bool may = (X509_get_key_usage(one.get()) & KU_CRL_SIGN) != 0;
    if (named && may && X509_CRL_verify(&list, X509_get0_pubkey(one.get())) == 1) return one.get();
  }
  ERR_clear_error();
  return nullptr;
}

// What OpenSSL would find only when a client comes, and would then refuse all of them for.
const char* WhyNot(const X509_CRL& list) {
  if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(&list)) > 0) return "is of a time to come";
  if (X509_CRL_get_ext_by_NID(&list, NID_delta_crl, -1) >= 0) return "is a part of another";
  for (int i = 0; i < X509_CRL_get_ext_count(&list); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(&list, i)) != 0) return "is for a part only";
  }
  return nullptr;
}

// A list whose time is over is better than none: devices would all be refused by a late operator.
int KeepOldLists(int ok, X509_STORE_CTX* check) {
  if (X509_STORE_CTX_get_error(check) != X509_V_ERR_CRL_HAS_EXPIRED) return ok;
  X509_STORE_CTX_set_error(check, X509_V_OK);
  return 1;
}

// X509_V_OK, or why a daemon does not take a client's certificate.
int CheckClient(X509& client, SSL_CTX* context) {
  const CheckPtr check(X509_STORE_CTX_new());
  if (check == nullptr ||
      X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context), &client, nullptr) != 1) {
    return X509_V_ERR_OUT_OF_MEM;
  }
  // As OpenSSL does where it checks itself: keys and signatures that are too weak are none.
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check.get()),
                                   SSL_CTX_get_security_level(context));
  X509_STORE_CTX_set_default(check.get(), "ssl_client");
  X509_STORE_CTX_set_verify_cb(check.get(), KeepOldLists);
  if (X509_verify_cert(check.get()) == 1) return X509_V_OK;
  const int error = X509_STORE_CTX_get_error(check.get());
  ERR_clear_error();
  return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

// Trusts the authorities of the file. Ensures: returns them.
absl::StatusOr<std::vector<CertificatePtr>> UseAuthorities(const std::string& file,
                                                           SSL_CTX* context,
                                                           std::vector<std::string>& warnings) {
  auto authorities = ReadCertificates(file);
  if (!authorities.ok()) return authorities;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const CertificatePtr& one : *authorities) {
    if (X509_STORE_add_cert(store, one.get()) != 1) {
      return FileError(file, "a certificate that cannot be used");
    }
    if (EndsWithin(X509_get0_notAfter(one.get()), kEndsSoonS)) {
      warnings.push_back(absl::StrCat(file, ": \"", Text(X509_get_subject_name(one.get())),
                                      "\" has ended or will in less than 30 days"));
    }
    // What a client is told that it may show.
    SSL_CTX_add_client_CA(context, one.get());
  }
  return authorities;
}

// Asks these authorities' lists of what they have revoked from now on.
absl::Status UseRevoked(const std::string& file, const std::vector<CertificatePtr>& authorities,
                        X509_STORE* store, std::vector<std::string>& warnings) {
  const auto lists =
      ReadAll<RevokedPtr, PEM_read_bio_X509_CRL>(file, "list of revoked certificates");
  if (!lists.ok()) return lists.status();
  std::vector<const X509*> have;
  for (const RevokedPtr& list : *lists) {
    const X509* const authority = AuthorOf(*list, authorities);
    if (authority == nullptr) {
      return FileError(file, "a list that no authority has signed");
    }
    const std::string name = Text(X509_get_subject_name(authority));
    if (const char* wrong = WhyNot(*list)) {
      return FileError(file, absl::StrCat("the list of \"", name, "\" ", wrong));
    }
    if (std::find(have.begin(), have.end(), authority) != have.end()) {
      return FileError(file, absl::StrCat("two lists of \"", name, "\""));
    }
    have.push_back(authority);
    if (X509_STORE_add_crl(store, list.get()) != 1) {
      return FileError(file, "a list that cannot be used");
    }
    if (EndsWithin(X509_CRL_get0_nextUpdate(list.get()), 0)) {
      warnings.push_back(absl::StrCat(file, ": the list of \"", name,
                                      "\" should have been replaced by a newer one; it holds on"));
    }
  }
  for (const CertificatePtr& authority : authorities) {
    if (std::find(have.begin(), have.end(), authority.get()) != have.end()) continue;
    return FileError(file, absl::StrCat("there is no list of \"",
                                        Text(X509_get_subject_name(authority.get())), "\""));
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return absl::OkStatus();
}

}  // namespace

engine::CertificateHash HashCertificate(const X509& certificate) {
  engine::CertificateHash hash{};
  unsigned length = 0;
  const int done = X509_digest(&certificate, EVP_sha256(),
                               reinterpret_cast<unsigned char*>(hash.data()), &length);
  CHECK(done == 1 && length == hash.size());
  return hash;
}

std::string LfdiOf(const engine::CertificateHash& hash) {
  return engine::ToHex(std::span(hash).first(kLfdiBytes));
}

absl::StatusOr<std::vector<engine::CertificateHash>> HashCertificates(const std::string& file) {
  const auto certificates = ReadCertificates(file);
  if (!certificates.ok()) return certificates.status();
  std::vector<engine::CertificateHash> hashes;
  for (const CertificatePtr& one : *certificates) hashes.push_back(HashCertificate(*one));
  return hashes;
}

TlsIdentity::~TlsIdentity() { SSL_CTX_free(context_); }

absl::StatusOr<std::unique_ptr<TlsIdentity>> TlsIdentity::Make(const SSL_METHOD* method) {
  SSL_CTX* const context = SSL_CTX_new(method);
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_max_cert_list(context, kPeerChainBytesMax);
  return std::unique_ptr<TlsIdentity>(new TlsIdentity(context));
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> TlsIdentity::ForDaemon(const TlsFiles& files) {
  auto made = Make(TLS_server_method());
  if (!made.ok()) return made.status();
  std::shared_ptr<TlsIdentity> context = *std::move(made);
  absl::Status status = context->UseCertificate(files);
  if (!status.ok()) return status;
  SSL_CTX* const native = context->native();
  const auto authorities = UseAuthorities(files.authorities, native, context->warnings_);
  if (!authorities.ok()) return authorities.status();
  if (!files.revoked.empty()) {
    status =
        UseRevoked(files.revoked, *authorities, SSL_CTX_get_cert_store(native), context->warnings_);
    if (!status.ok()) return status;
  }
  // Who issued it is enough: authorities between are authorities too.
  X509_STORE_set_flags(SSL_CTX_get_cert_store(native), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(native, Verify, native);
  SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // Tickets are enough.
  SSL_CTX_set_session_id_context(native, kSessionContext, sizeof(kSessionContext) - 1);
  SSL_CTX_set_num_tickets(native, 1);
  SSL_CTX_set_timeout(native, kTicketS);
  return context;
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> TlsIdentity::ForClient(const TlsFiles& files) {
  auto made = Make(TLS_client_method());
  if (!made.ok()) return made.status();
  std::shared_ptr<TlsIdentity> context = *std::move(made);
  absl::Status status;
  if (!files.certificate.empty() || !files.key.empty()) status = context->UseCertificate(files);
  if (status.ok()) {
    status = UseAuthorities(files.authorities, context->native(), context->warnings_).status();
  }
  if (!status.ok()) return status;
  SSL_CTX_set_verify(context->native(), SSL_VERIFY_PEER, nullptr);
  return context;
}

absl::Status TlsIdentity::UseCertificate(const TlsFiles& files) {
  const auto certificates = ReadCertificates(files.certificate);
  if (!certificates.ok()) return certificates.status();
  auto key_file = OpenFile(files.key);
  if (!key_file.ok()) return key_file.status();
  const std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>> key(
      PEM_read_bio_PrivateKey(key_file->get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return FileError(files.key, "holds no private key (PEM, no password)");
  X509* const own = certificates->front().get();
  if (SSL_CTX_use_certificate(context_, own) != 1) {
    return FileError(files.certificate, "its certificate cannot be used");
  }
  if (SSL_CTX_use_PrivateKey(context_, key.get()) != 1 ||
      SSL_CTX_check_private_key(context_) != 1) {
    return FileError(files.key, absl::StrCat("is not the key of ", files.certificate));
  }
  for (std::size_t i = 1; i < certificates->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context_, (*certificates)[i].get()) != 1) {
      return FileError(files.certificate, "a certificate behind the first cannot be used");
    }
  }
  struct stat about {};
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  if (::stat(files.key.c_str(), &about) == 0 && (about.st_mode & kOthers) != 0) {
    warnings_.push_back(absl::StrCat(files.key, ": others than its owner can read the key"));
  }
  const ASN1_TIME* const end = X509_get0_notAfter(own);
  if (EndsWithin(end, kEndsSoonS)) {
    warnings_.push_back(absl::StrCat(files.certificate, EndsWithin(end, 0)
                                                            ? ": the certificate has ended"
                                                            : ": the certificate ends in less "
                                                              "than 30 days"));
  }
  return absl::OkStatus();
}

bool TlsIdentity::Trusts(X509& client) const { return CheckClient(client, context_) == X509_V_OK; }

int TlsIdentity::Verify(X509_STORE_CTX* presented, void* context) {
  X509* const client = X509_STORE_CTX_get0_cert(presented);
  const int error = client == nullptr ? X509_V_ERR_UNSPECIFIED
                                      : CheckClient(*client, static_cast<SSL_CTX*>(context));
  X509_STORE_CTX_set_error(presented, error);
  return error == X509_V_OK ? 1 : 0;
}

}  // namespace gateway
