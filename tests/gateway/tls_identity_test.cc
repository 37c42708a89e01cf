#include "gateway/tls_identity.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr long kDayS = TestAuthority::kDayS;

class TlsIdentityTest : public testing::Test {
 protected:
  std::shared_ptr<const TlsIdentity> Daemon(const std::string& revoked = "") {
    auto made = TlsIdentity::ForDaemon(
        folder.Put("daemon", authority.Daemon(), authority.certificate(), revoked));
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : nullptr;
  }
  static bool Trusts(const TlsIdentity& context, const TestCertificate& certificate) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(certificate.certificate.data(), -1), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> one(
        PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    return context.Trusts(*one);
  }
  std::string ErrorOf(const TlsFiles& files) {
    const auto made = TlsIdentity::ForDaemon(files);
    return made.ok() ? "" : std::string(made.status().message());
  }

  CertificateFolder folder;
  TestAuthority authority{"the city's"};
};

TEST_F(TlsIdentityTest, TrustsWhatItsAuthorityHasIssued) {
  const auto daemon = Daemon();
  EXPECT_TRUE(Trusts(*daemon, authority.Device()));
  EXPECT_THAT(daemon->warnings(), IsEmpty());
}

TEST_F(TlsIdentityTest, TrustsNoStrangerThoughItHasTheAuthoritysName) {
  TestAuthority stranger("the city's");
  EXPECT_FALSE(Trusts(*Daemon(), stranger.Device()));
}

TEST_F(TlsIdentityTest, TrustsNothingBeforeOrAfterItsTime) {
  const auto daemon = Daemon();
  EXPECT_FALSE(Trusts(*daemon, authority.Issue({.from_s = -2 * kDayS, .to_s = -kDayS})));
  EXPECT_FALSE(Trusts(*daemon, authority.Issue({.from_s = kDayS, .to_s = 2 * kDayS})));
}

TEST_F(TlsIdentityTest, TrustsNoClientWithTheCertificateOfADaemon) {
  EXPECT_FALSE(Trusts(*Daemon(), authority.Daemon()));
}

TEST_F(TlsIdentityTest, TrustsACertificateThatIsItsOwnAuthority) {
  TestAuthority device("a device with a certificate of its own");
  auto made =
      TlsIdentity::ForDaemon(folder.Put("daemon", authority.Daemon(), device.certificate()));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(Trusts(**made, {.certificate = device.certificate()}));
  EXPECT_FALSE(Trusts(**made, authority.Device()));
}

TEST_F(TlsIdentityTest, TrustsNothingThatIsRevoked) {
  const TestCertificate lost = authority.Device();
  const TestCertificate kept = authority.Device();
  const auto daemon = Daemon(authority.Revoked({lost.serial}));
  EXPECT_FALSE(Trusts(*daemon, lost));
  EXPECT_TRUE(Trusts(*daemon, kept));
  EXPECT_THAT(daemon->warnings(), IsEmpty());
}

TEST_F(TlsIdentityTest, HoldsOnToAListWhoseTimeIsOverAndSaysSo) {
  const TestCertificate lost = authority.Device();
  const TestCertificate kept = authority.Device();
  const auto daemon = Daemon(authority.Revoked({lost.serial}, -kDayS));
  EXPECT_FALSE(Trusts(*daemon, lost));
  EXPECT_TRUE(Trusts(*daemon, kept));
  EXPECT_THAT(daemon->warnings(), ElementsAre(HasSubstr("holds on")));
}

// OpenSSL would refuse all clients for such a list, or take those that it leaves out.
TEST_F(TlsIdentityTest, RefusesAListThatWouldPutOutOrLetInTheWrongOnes) {
  const auto with = [&](const std::string& lists) {
    return ErrorOf(folder.Put("daemon", authority.Daemon(), authority.certificate(), lists));
  };
  const std::string good = authority.Revoked({});
  EXPECT_EQ(with(good), "");
  EXPECT_THAT(with(authority.Revoked({}, kDayS, 3)), HasSubstr("is of a time to come"));
  EXPECT_THAT(with(good + authority.Revoked({1})), HasSubstr("two lists of \"CN = the city's\""));
  EXPECT_THAT(with(TestAuthority("the city's").Revoked({})),
              HasSubstr("a list that no authority has signed"));
  EXPECT_THAT(with(authority.Revoked({}, kDayS, -2 * kDayS, NID_delta_crl)),
              HasSubstr("is a part of another"));
  EXPECT_THAT(with(authority.Revoked({}, kDayS, -2 * kDayS, NID_issuing_distribution_point)),
              HasSubstr("is for a part only"));
}

TEST_F(TlsIdentityTest, NeedsAListOfEachAuthority) {
  TestAuthority other("the village's");
  const std::string both = authority.certificate() + other.certificate();
  EXPECT_THAT(ErrorOf(folder.Put("daemon", authority.Daemon(), both, authority.Revoked({}))),
              HasSubstr("there is no list of \"CN = the village's\""));
  EXPECT_EQ(ErrorOf(folder.Put("daemon", authority.Daemon(), both,
                               authority.Revoked({}) + other.Revoked({}))),
            "");
}

TEST_F(TlsIdentityTest, TrustsNoKeyThatIsTooWeak) {
  EXPECT_TRUE(Trusts(*Daemon(), authority.Issue({.rsa_bits = 2'048})));
  EXPECT_FALSE(Trusts(*Daemon(), authority.Issue({.rsa_bits = 1'024})));
}

TEST_F(TlsIdentityTest, NeedsTheKeyOfItsCertificateWhateverItsKind) {
  TlsFiles files =
      folder.Put("daemon", authority.Issue({.rsa_bits = 2'048}), authority.certificate());
  EXPECT_EQ(ErrorOf(files), "");
  files.key = folder.Put("other.key", authority.Daemon().key);
  EXPECT_THAT(ErrorOf(files), HasSubstr("is not the key of"));
}

TEST_F(TlsIdentityTest, WarnsOfACertificateOfItsOwnThatEnds) {
  const auto warnings = [&](long to_s) {
    auto made = TlsIdentity::ForDaemon(
        folder.Put("daemon", authority.Issue({.to_s = to_s}), authority.certificate()));
    EXPECT_TRUE(made.ok()) << made.status();
    return (*made)->warnings();
  };
  EXPECT_THAT(warnings(29 * kDayS), ElementsAre(HasSubstr("less than 30 days")));
  EXPECT_THAT(warnings(-1), ElementsAre(HasSubstr("has ended")));
  EXPECT_THAT(warnings(31 * kDayS), IsEmpty());
}

TEST_F(TlsIdentityTest, WarnsOfAKeyThatOthersCanRead) {
  const TlsFiles files = folder.Put("daemon", authority.Daemon(), authority.certificate());
  std::filesystem::permissions(files.key, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  auto made = TlsIdentity::ForDaemon(files);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT((*made)->warnings(), ElementsAre(HasSubstr("daemon.key: others")));
}

TEST_F(TlsIdentityTest, NamesTheFileThatIsWrong) {
  const TlsFiles good =
      folder.Put("daemon", authority.Daemon(), authority.certificate(), authority.Revoked({}));
  EXPECT_EQ(ErrorOf(good), "");
  const auto with = [&](std::string TlsFiles::*file, const std::string& pem) {
    TlsFiles files = good;
    files.*file = folder.Put("wrong.pem", pem);
    return ErrorOf(files);
  };
  const std::string cut = good.certificate.empty() ? "" : authority.certificate().substr(0, 200);
  EXPECT_THAT(with(&TlsFiles::certificate, ""), HasSubstr("wrong.pem: holds no certificate"));
  EXPECT_THAT(with(&TlsFiles::certificate, cut), HasSubstr("wrong.pem: "));
  EXPECT_THAT(with(&TlsFiles::key, authority.certificate()), HasSubstr("holds no private key"));
  EXPECT_THAT(with(&TlsFiles::key, authority.Device().key), HasSubstr("is not the key of"));
  EXPECT_THAT(with(&TlsFiles::authorities, "garbage"), HasSubstr("holds no certificate"));
  EXPECT_THAT(with(&TlsFiles::revoked, "garbage"), HasSubstr("holds no list of revoked"));
  EXPECT_THAT(with(&TlsFiles::revoked, TestAuthority("another").Revoked({})),
              HasSubstr("a list that no authority has signed"));
  TlsFiles missing = good;
  missing.authorities += ".not";
  EXPECT_THAT(ErrorOf(missing), HasSubstr(".not: cannot be read"));
}

TEST_F(TlsIdentityTest, AsksNobodyForThePasswordOfAKey) {
  const TestCertificate own = authority.Daemon();
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  TlsFiles files = folder.Put("daemon", own, authority.certificate());
  files.key = folder.Put("locked.key", locked);
  EXPECT_THAT(ErrorOf(files), HasSubstr("no password"));
}

TEST_F(TlsIdentityTest, HashesCertificatesAsOthersDo) {
  const TestCertificate first = authority.Device();
  const TestCertificate second = authority.Device();
  const std::string file = folder.Put("two.pem", first.certificate + second.certificate);
  const auto hashes = HashCertificates(file);
  ASSERT_TRUE(hashes.ok()) << hashes.status();
  EXPECT_THAT(*hashes, ElementsAre(first.hash, second.hash));
  EXPECT_EQ(LfdiOf(first.hash).size(), 40U);
}

}  // namespace
}  // namespace gateway
