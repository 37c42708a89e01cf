// Credentials log on by certificates: which are whose, and that the state keeps them.
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/saved_state.h"

namespace engine {
namespace {

CertificateHash Hash(std::uint32_t number) {
  CertificateHash hash{};
  std::memcpy(hash.data(), &number, sizeof(number));
  return hash;
}

class ExchangeCertificates : public testing::Test {
 protected:
  ExchangeCertificates() {
    driver.AddMarket(MarketDefinition{.id = kMarket, .rule = {}});
    for (std::uint32_t id = 1; id <= 3; ++id) driver.AddAccount(id);
  }

  bool Define(std::uint32_t credential, std::uint8_t place, const CertificateHash& hash) {
    return driver.Apply(
        CommandType::kDefineCertificate,
        CertificateBody{.credential = CredentialId{credential}, .place = place, .hash = hash});
  }
  // Zero where the logon is refused.
  static CredentialId LogOn(Exchange& exchange, const CertificateHash& hash, LogonProof proof) {
    const LogonBody body{.hash = hash, .session = 77, .proof = proof};
    CommandHeader header;
    header.type = CommandType::kLogon;
    exchange.Ask(OwnedCommand(header, std::span<const LogonBody>(&body, 1)).view());
    CredentialId found{};
    std::vector<Event> events(16);
    while (exchange.Draining()) {
      const std::size_t count = exchange.Drain(events);
      for (std::size_t i = 0; i < count; ++i) {
        if (events[i].type == EventType::kLogonAnswer) found = events[i].credential;
      }
    }
    return found;
  }
  CredentialId ByCertificate(std::uint32_t number) {
    return LogOn(driver.exchange, Hash(number), LogonProof::kCertificate);
  }

  ExchangeDriver driver;
};

TEST_F(ExchangeCertificates, LogTheirCredentialOn) {
  ASSERT_TRUE(Define(2, 0, Hash(100)));
  EXPECT_EQ(ByCertificate(100), CredentialId{2});
  EXPECT_EQ(ByCertificate(101), CredentialId{});
}

// The driver's tokens hash to the numbers of their credentials.
TEST_F(ExchangeCertificates, AreNoTokensAndTokensAreNoCertificates) {
  ASSERT_TRUE(Define(2, 0, Hash(100)));
  EXPECT_EQ(LogOn(driver.exchange, Hash(100), LogonProof::kToken), CredentialId{});
  EXPECT_EQ(LogOn(driver.exchange, Hash(3), LogonProof::kToken), CredentialId{3});
  EXPECT_EQ(ByCertificate(3), CredentialId{});
  EXPECT_EQ(LogOn(driver.exchange, {}, LogonProof::kCertificate), CredentialId{});
  // Nor do the two stand in each other's way.
  EXPECT_TRUE(Define(1, 0, Hash(3)));
  EXPECT_EQ(ByCertificate(3), CredentialId{1});
  EXPECT_EQ(LogOn(driver.exchange, Hash(3), LogonProof::kToken), CredentialId{3});
}

TEST_F(ExchangeCertificates, AreTwoACredentialWhileOneFollowsTheOther) {
  ASSERT_TRUE(Define(2, 0, Hash(100)));
  ASSERT_TRUE(Define(2, 1, Hash(200)));
  EXPECT_EQ(ByCertificate(100), CredentialId{2});
  EXPECT_EQ(ByCertificate(200), CredentialId{2});
  EXPECT_FALSE(Define(2, 2, Hash(300)));
  ASSERT_TRUE(Define(2, 0, {}));
  EXPECT_EQ(ByCertificate(100), CredentialId{});
  EXPECT_EQ(ByCertificate(200), CredentialId{2});
  ASSERT_TRUE(Define(2, 0, Hash(300)));
  EXPECT_EQ(ByCertificate(300), CredentialId{2});
}

TEST_F(ExchangeCertificates, AreOfOneCredentialAndOnce) {
  ASSERT_TRUE(Define(2, 0, Hash(100)));
  const DigestBytes before = driver.exchange.StateDigest();
  EXPECT_FALSE(Define(3, 0, Hash(100)));
  EXPECT_FALSE(Define(2, 1, Hash(100)));
  EXPECT_FALSE(Define(9, 0, Hash(200))) << "there is no such credential";
  EXPECT_EQ(driver.exchange.StateDigest(), before);
  EXPECT_TRUE(Define(2, 0, Hash(100))) << "what is there already may be said again";
  ASSERT_TRUE(Define(2, 0, Hash(200)));
  EXPECT_TRUE(Define(3, 0, Hash(100))) << "it was given up";
  EXPECT_EQ(ByCertificate(100), CredentialId{3});
}

TEST_F(ExchangeCertificates, StayWhereTheirCredentialIsDefinedAnew) {
  ASSERT_TRUE(Define(2, 0, Hash(100)));
  ASSERT_TRUE(driver.Apply(CommandType::kDefineCredential,
                           CredentialBody{.id = CredentialId{2}, .orders_per_second = 5}));
  EXPECT_EQ(ByCertificate(100), CredentialId{2});
}

TEST_F(ExchangeCertificates, AreInTheStateAndOutOfItWhereTheyAreGone) {
  const std::vector<std::byte> without = StateOf(driver.exchange);
  const std::uint64_t sequence = driver.exchange.sequence();
  ASSERT_TRUE(Define(2, 1, Hash(100)));
  ASSERT_TRUE(Define(3, 0, Hash(200)));
  const std::vector<std::byte> state = StateOf(driver.exchange);
  EXPECT_GT(state.size(), without.size());
  Exchange loaded;
  std::string error;
  ASSERT_TRUE(LoadState(state, 64, loaded, &error)) << error;
  EXPECT_EQ(StateOf(loaded), state);
  EXPECT_EQ(loaded.FindCertificates(CredentialId{2})[1], Hash(100));
  EXPECT_EQ(LogOn(loaded, Hash(200), LogonProof::kCertificate), CredentialId{3});
  ASSERT_TRUE(Define(2, 1, {}));
  ASSERT_TRUE(Define(3, 0, {}));
  EXPECT_EQ(StateOf(driver.exchange).size(), without.size()) << "as it was before there were any";
  EXPECT_EQ(driver.exchange.sequence(), sequence + 4);
}

TEST_F(ExchangeCertificates, OfAStateThatWasChangedAreTheseOrNone) {
  ASSERT_TRUE(Define(2, 1, Hash(100)));
  ASSERT_TRUE(Define(3, 0, Hash(200)));
  const std::vector<std::byte> state = StateOf(driver.exchange);
  // Where one ends that knows no version of order entry, and traded nothing in earlier rounds.
  const std::size_t older = state.size() - sizeof(std::uint32_t) - sizeof(std::uint64_t);
  const std::size_t begin = older - 8 - 2 * sizeof(CertificateBody);
  for (std::size_t bit = begin * 8; bit < state.size() * 8; ++bit) {
    std::vector<std::byte> changed = state;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    Exchange loaded;
    if (LoadState(changed, 4'096, loaded)) {
      ASSERT_EQ(StateOf(loaded), changed) << bit;
    }
  }
  std::vector<std::byte> longer = state;
  longer.push_back(std::byte{0});
  Exchange more;
  std::string error;
  EXPECT_FALSE(LoadState(longer, 4'096, more, &error));
  EXPECT_TRUE(error.starts_with("byte ")) << error;
  for (std::size_t size = begin + 1; size < state.size(); ++size) {
    Exchange loaded;
    ASSERT_EQ(LoadState(std::span(state).first(size), 4'096, loaded), size == older) << size;
  }
}

}  // namespace
}  // namespace engine
