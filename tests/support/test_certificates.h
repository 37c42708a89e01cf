// Authorities and certificates for tests, made on the spot.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/tls_identity.h"

namespace gateway {

struct TestCertificate {
  std::string certificate{};  // PEM, both.
  std::string key{};
  engine::CertificateHash hash{};
  long serial = 0;
};

class TestAuthority {
 public:
  static constexpr long kDayS = 86'400;

  explicit TestAuthority(std::string name) : name_(std::move(name)), key_(MakeKey()) {
    own_ = Make({.name = name_, .usage = ""}, key_.get(), nullptr);
  }

  struct Wanted {
    std::string name = "a device";
    long from_s = -kDayS;  // From now.
    long to_s = 365 * kDayS;
    std::string usage = "clientAuth";
    std::string subject_names{};  // As "IP:127.0.0.1,DNS:exchange.example".
    unsigned rsa_bits = 0;        // 0: a key on the curve P-256.
  };
  TestCertificate Issue(const Wanted& wanted) {
    const KeyPtr key =
        wanted.rsa_bits == 0 ? MakeKey() : KeyPtr(EVP_RSA_gen(wanted.rsa_bits), EVP_PKEY_free);
    const CertificatePtr made = Make(wanted, key.get(), own_.get());
    return {.certificate = Pem([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); }),
            .key = Pem([&](BIO* out) {
              return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                              nullptr);
            }),
            .hash = HashCertificate(*made),
            .serial = serial_};
  }
  TestCertificate Device(const std::string& name = "a device") { return Issue({.name = name}); }
  TestCertificate Daemon() {
    return Issue({.name = "the exchange",
                  .usage = "serverAuth",
                  .subject_names = "IP:127.0.0.1,DNS:exchange.example"});
  }

  // Of itself.
  std::string certificate() const {
    return Pem([&](BIO* out) { return PEM_write_bio_X509(out, own_.get()); });
  }
  // Its list of revoked certificates, good from and until so many seconds from now; with an
  // extension that makes it one for a part.
  std::string Revoked(const std::vector<long>& serials, long to_s = kDayS, long from_s = -2 * kDayS,
                      int extension = NID_undef) const {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), X509_CRL_free);
    Need(X509_CRL_set_version(list.get(), 1));
    Need(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(own_.get())));
    Need(X509_CRL_set1_lastUpdate(list.get(), Time(from_s).get()));
    Need(X509_CRL_set1_nextUpdate(list.get(), Time(to_s).get()));
    for (const long serial : serials) {
      X509_REVOKED* const revoked = X509_REVOKED_new();
      const std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> number(ASN1_INTEGER_new(),
                                                                               ASN1_INTEGER_free);
      Need(ASN1_INTEGER_set(number.get(), serial));
      Need(X509_REVOKED_set_serialNumber(revoked, number.get()));
      Need(X509_REVOKED_set_revocationDate(revoked, Time(-kDayS).get()));
      Need(X509_CRL_add0_revoked(list.get(), revoked));
    }
    if (extension == NID_delta_crl) {
      const std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> base(ASN1_INTEGER_new(),
                                                                             ASN1_INTEGER_free);
      Need(ASN1_INTEGER_set(base.get(), 1));
      Need(X509_CRL_add1_ext_i2d(list.get(), NID_delta_crl, base.get(), 1, 0));
    } else if (extension == NID_issuing_distribution_point) {
      const std::unique_ptr<ISSUING_DIST_POINT, decltype(&ISSUING_DIST_POINT_free)> point(
          ISSUING_DIST_POINT_new(), ISSUING_DIST_POINT_free);
      point->onlyuser = 0xFF;
      Need(X509_CRL_add1_ext_i2d(list.get(), extension, point.get(), 1, 0));
    }
    Need(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()));
    return Pem([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
  }

 private:
  using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
  using TimePtr = std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>;

  static void Need(int done) {
    if (done <= 0) std::abort();
  }
  static KeyPtr MakeKey() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }
  static TimePtr Time(long from_now_s) {
    return {X509_gmtime_adj(nullptr, from_now_s), ASN1_TIME_free};
  }
  template <typename Write>
  static std::string Pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    Need(write(out.get()));
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(length)};
  }

  // issuer null: by itself, as an authority.
  CertificatePtr Make(const Wanted& wanted, EVP_PKEY* key, X509* issuer) {
    CertificatePtr made(X509_new(), X509_free);
    X509* const to = made.get();
    Need(X509_set_version(to, 2));
    Need(ASN1_INTEGER_set(X509_get_serialNumber(to), ++serial_));
    Need(X509_set1_notBefore(to, Time(wanted.from_s).get()));
    Need(X509_set1_notAfter(to, Time(wanted.to_s).get()));
    Need(X509_NAME_add_entry_by_txt(X509_get_subject_name(to), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1,
                                    -1, 0));
    Need(X509_set_issuer_name(to, X509_get_subject_name(issuer == nullptr ? to : issuer)));
    Need(X509_set_pubkey(to, key));
    Add(to, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wanted.usage.empty()) Add(to, NID_ext_key_usage, wanted.usage);
    if (!wanted.subject_names.empty()) Add(to, NID_subject_alt_name, wanted.subject_names);
    Need(X509_sign(to, key_.get(), EVP_sha256()));
    return made;
  }
  static void Add(X509* to, int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    if (extension == nullptr) std::abort();
    Need(X509_add_ext(to, extension, -1));
    X509_EXTENSION_free(extension);
  }

  const std::string name_;
  const KeyPtr key_;
  long serial_ = 0;
  CertificatePtr own_{nullptr, X509_free};
};

// PEM files in a folder of their own.
class CertificateFolder {
 public:
  CertificateFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "peerwatt-tls-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~CertificateFolder() { std::filesystem::remove_all(folder_); }
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  // The file's whole name.
  std::string Put(const std::string& name, const std::string& pem) const {
    std::ofstream(folder_ / name, std::ios::binary) << pem;
    std::filesystem::permissions(
        folder_ / name, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return (folder_ / name).string();
  }
  TlsFiles Put(const std::string& name, const TestCertificate& own, const std::string& authorities,
               const std::string& revoked = "") const {
    return {.certificate = Put(name + ".pem", own.certificate),
            .key = Put(name + ".key", own.key),
            .authorities = Put(name + "-authorities.pem", authorities),
            .revoked = revoked.empty() ? "" : Put(name + "-revoked.pem", revoked)};
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace gateway
