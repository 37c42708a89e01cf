#include "gateway/definitions.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/act.h"
#include "engine/core/exchange.h"
#include "gateway/accounts_file.h"
#include "gateway/market_file.h"
#include "gateway/token.h"

namespace gateway {
namespace {

using testing::HasSubstr;

std::string AccountsError(const std::string& text) {
  Definitions definitions;
  return std::string(ReadAccounts(text, "accounts.csv", definitions).message());
}

std::string CredentialsError(const std::string& text) {
  Definitions definitions;
  return std::string(ReadCredentials(text, "credentials.csv", definitions).message());
}

std::string Accounts(std::string_view lines) {
  return std::string(kAccountsHeader) + "\n" + std::string(lines);
}
std::string Credentials(std::string_view lines) {
  return std::string(kCredentialsHeader) + "\n" + std::string(lines);
}

std::string Hash(std::string_view token) { return HexOfHash(HashToken(token)); }

TEST(AccountsFile, ReadsAccountsAndTheirMeteringPoints) {
  Definitions definitions;
  ASSERT_TRUE(ReadAccounts(Accounts("1,2,3,4,5,6,7\r\n\n8,2,3,4,5,6,7\n"), "a", definitions).ok());
  ASSERT_EQ(definitions.accounts.size(), 2U);
  EXPECT_EQ(definitions.accounts[1].id, engine::AccountId(8));
  EXPECT_EQ(definitions.accounts[0].credential, engine::CredentialId(5));
  ASSERT_EQ(definitions.metering_points.size(), 1U);
  EXPECT_EQ(definitions.metering_points[0].export_limit_w, 7U);
}

TEST(AccountsFile, RefusesBadLinesWithTheirPlace) {
  EXPECT_THAT(AccountsError("account,party\n"),
              HasSubstr("accounts.csv:1: the first line must be"));
  EXPECT_THAT(AccountsError(""), HasSubstr("accounts.csv:1: "));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6\n")), HasSubstr("accounts.csv:2: 6 fields"));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6,7\n0,2,3,4,5,6,7\n")),
              HasSubstr("accounts.csv:3: account = \"0\": allowed is a whole number from 1"));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6,-7\n")), HasSubstr("export_limit_w = \"-7\""));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6,7 \n")), HasSubstr("export_limit_w"));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4294967296,5,6,7\n")), HasSubstr("market"));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6,7\n1,2,3,4,5,6,7\n")),
              HasSubstr("account 1 twice"));
  EXPECT_THAT(AccountsError(Accounts("1,2,3,4,5,6,7\n2,2,3,4,5,6,8\n")),
              HasSubstr("metering point 3 has other limits"));
}

TEST(CredentialsFile, ReadsKindsAndHashes) {
  Definitions definitions;
  ASSERT_TRUE(
      ReadCredentials(Credentials("5,aggregator," + Hash("a") + ",9\n6,device," + Hash("b") + ",0"),
                      "c", definitions)
          .ok());
  ASSERT_EQ(definitions.credentials.size(), 2U);
  EXPECT_EQ(definitions.credentials[0].kind, engine::CredentialKind::kAggregator);
  EXPECT_EQ(definitions.credentials[0].orders_per_second, 9U);
  EXPECT_EQ(definitions.credentials[1].token_hash, HashToken("b"));
}

TEST(CredentialsFile, RefusesBadLinesWithTheirPlace) {
  EXPECT_THAT(CredentialsError("credential\n"), HasSubstr("credentials.csv:1: "));
  EXPECT_THAT(CredentialsError(Credentials("1,robot," + Hash("a") + ",0\n")),
              HasSubstr("credentials.csv:2: kind = \"robot\": allowed is device, aggregator"));
  EXPECT_THAT(CredentialsError(Credentials("1,device,abc,0\n")), HasSubstr("64 hex digits"));
  EXPECT_THAT(CredentialsError(Credentials("1,device," + std::string(64, 'G') + ",0\n")),
              HasSubstr("64 hex digits"));
  EXPECT_THAT(
      CredentialsError(Credentials("1,device," + Hash("a") + ",0\n1,device," + Hash("b") + ",0\n")),
      HasSubstr("credentials.csv:3: credential 1 twice"));
  EXPECT_THAT(
      CredentialsError(Credentials("1,device," + Hash("a") + ",0\n2,device," + Hash("a") + ",0\n")),
      HasSubstr("a token that an earlier line has"));
}

std::string OperatorCredentials(std::string_view lines) {
  return std::string(kCredentialsRolesHeader) + "\n" + std::string(lines);
}

TEST(CredentialsFile, ReadsTheRolesOfOperators) {
  Definitions definitions;
  ASSERT_TRUE(
      ReadCredentials(
          OperatorCredentials("5,operator," + Hash("a") + ",0,read surveillance\n" + "6,operator," +
                              Hash("b") + ",0,\n" + "7,device," + Hash("c") + ",0,\n8,operator," +
                              Hash("d") + ",0,surveillance administer operate read\r\n"),
          "c", definitions)
          .ok());
  ASSERT_EQ(definitions.credentials.size(), 4U);
  EXPECT_EQ(definitions.credentials[0].roles, 9);
  EXPECT_EQ(definitions.credentials[1].roles, engine::kNoRoles);
  EXPECT_EQ(definitions.credentials[2].roles, engine::kNoRoles);
  EXPECT_EQ(definitions.credentials[3].roles, engine::kAllRoles);
}

TEST(CredentialsFile, NamesTheFirstOperatorAsAnOperatorAlone) {
  Definitions definitions;
  const std::string rest = "," + Hash("a") + ",0\n";
  EXPECT_TRUE(ReadCredentials(Credentials("4294967295,operator" + rest), "c", definitions).ok());
  for (const char* kind : {"device", "aggregator"}) {
    EXPECT_THAT(CredentialsError(Credentials("4294967295," + std::string(kind) + rest)),
                HasSubstr("credentials.csv:2: credential = \"4294967295\": allowed is"));
  }
}

TEST(CredentialsFile, RefusesRolesThatCannotBeWithTheirPlace) {
  const std::string row = "5,operator," + Hash("a") + ",0,";
  for (const std::string_view roles :
       {"admin", "read,operate", "read  operate", " read", "read ", "read read", "READ", "1"}) {
    EXPECT_THAT(CredentialsError(OperatorCredentials(row + std::string(roles) + "\n")),
                HasSubstr("credentials.csv:2: "))
        << roles;
  }
  EXPECT_THAT(CredentialsError(OperatorCredentials(row + "admin\n")),
              HasSubstr("roles = \"admin\": allowed is read, operate, administer, surveillance"));
  for (const std::string_view kind : {"device", "aggregator"}) {
    EXPECT_THAT(
        CredentialsError(
            OperatorCredentials("\n6," + std::string(kind) + "," + Hash("a") + ",0,read\n")),
        HasSubstr("credentials.csv:3: roles = \"read\": allowed is nothing: only operators"));
  }
  EXPECT_THAT(CredentialsError(Credentials(row + "read\n")), HasSubstr("5 fields"));
  EXPECT_THAT(CredentialsError(OperatorCredentials("5,operator," + Hash("a") + ",0\n")),
              HasSubstr("4 fields where the header has 5"));
}

TEST(Token, IsHashedAsTheStandardSays) {
  EXPECT_EQ(Hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashFromHex(Hash("abc")), HashToken("abc"));
}

TEST(Token, IsAnotherEachTime) { EXPECT_NE(MakeToken(), MakeToken()); }

Actor Tester() { return {.uid = 5, .reason = "a test"}; }

// In the order in which they are.
std::vector<engine::CommandView> ViewsOf(const Bytes& commands) {
  std::vector<engine::CommandView> views;
  for (std::size_t at = 0; at < commands.size();) {
    views.emplace_back(reinterpret_cast<const engine::CommandHeader*>(commands.data() + at));
    at += views.back().header().length;
  }
  return views;
}

std::size_t CountDefinitions(const Bytes& commands) {
  std::size_t count = 0;
  for (const engine::CommandView& command : ViewsOf(commands)) count += command.header().count;
  return count;
}

// An exchange with a genesis, and the definitions of small files.
class Defined : public testing::Test {
 protected:
  Defined() {
    struct {
      engine::CommandHeader header;
      engine::GenesisBody body;
    } genesis;
    genesis.header = {.sequence = 1,
                      .time_ns = 5,
                      .length = sizeof(genesis),
                      .type = engine::CommandType::kGenesis,
                      .count = 1};
    genesis.body = {.order_capacity = 1'000};
    EXPECT_TRUE(exchange.Apply(engine::CommandView(&genesis.header)));
    definitions.markets = *ParseMarkets("[[market]]\nid = 1\n", "m");
    EXPECT_TRUE(
        ReadCredentials(Credentials("5,device," + Hash("a") + ",0\n"), "c", definitions).ok());
    EXPECT_TRUE(ReadAccounts(Accounts("1,2,3,1,5,6,7\n"), "a", definitions).ok());
  }

  engine::Exchange exchange;
  Definitions definitions;
};

TEST_F(Defined, AllIsNewToAnEmptyExchangeAndNothingAfterwards) {
  EXPECT_EQ(Changes(definitions, exchange).size(), 4U);
  Bytes commands;
  ASSERT_TRUE(Apply(definitions, Tester(), 10, exchange, commands).ok());
  EXPECT_EQ(exchange.sequence(), 5U);
  EXPECT_EQ(Changes(definitions, exchange).size(), 0U);
}

TEST_F(Defined, OnlyWhatIsOtherwiseIsAChange) {
  Bytes commands;
  ASSERT_TRUE(Apply(definitions, Tester(), 10, exchange, commands).ok());
  definitions.markets[0].retail_ticks += 1;
  const Definitions changes = Changes(definitions, exchange);
  EXPECT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes.markets.size(), 1U);
}

TEST_F(Defined, CommandsAreThoseThatWereApplied) {
  Bytes commands;
  ASSERT_TRUE(Apply(definitions, Tester(), 10, exchange, commands).ok());
  std::uint64_t sequence = 2;
  for (const engine::CommandView& command : ViewsOf(commands)) {
    EXPECT_EQ(command.header().sequence, sequence++);
    EXPECT_EQ(command.header().time_ns, 10);
  }
  EXPECT_EQ(sequence, 6U);
}

TEST_F(Defined, CommandsAreActsThatSayWhoAndWhy) {
  Bytes commands;
  ASSERT_TRUE(Apply(definitions, Tester(), 10, exchange, commands).ok());
  std::vector<engine::CommandType> types;
  for (const engine::CommandView& command : ViewsOf(commands)) {
    ASSERT_EQ(command.header().type, engine::CommandType::kAct);
    const engine::DefinitionView what(command);
    EXPECT_EQ(what.act()->why(), "a test");
    EXPECT_EQ(what.act()->uid, 5U);
    types.push_back(what.type());
  }
  using enum engine::CommandType;
  EXPECT_EQ(types,
            (std::vector{kDefineMarket, kDefineMeteringPoint, kDefineCredential, kDefineAccount}));
}

TEST_F(Defined, AsManyAreOneActAsItHasRoomFor) {
  std::string lines;
  for (int id = 1; id <= 5'000; ++id) {
    lines += std::to_string(id) + ",1," + std::to_string(id) + ",1,5,0,0\n";
  }
  Definitions homes = definitions;
  homes.metering_points.clear();
  homes.accounts.clear();
  ASSERT_TRUE(ReadAccounts(Accounts(lines), "a", homes).ok());
  Bytes commands;
  ASSERT_TRUE(Apply(homes, Tester(), 10, exchange, commands).ok());
  EXPECT_EQ(CountDefinitions(commands), 10'002U);
  EXPECT_EQ(ViewsOf(commands).size(), 1U + 1 + 2 + 3);
  EXPECT_EQ(exchange.size().accounts, 5'000U);
}

TEST_F(Defined, AnOperatorThatGivesUpItsRoleIsToldToDoItLast) {
  definitions.credentials.push_back({.id = engine::CredentialId(6),
                                     .kind = engine::CredentialKind::kOperator,
                                     .roles = engine::kAllRoles});
  Bytes commands;
  ASSERT_TRUE(Apply(definitions, Tester(), 10, exchange, commands).ok());
  definitions.credentials[1].roles = engine::kNoRoles;
  const Actor itself{.who = engine::CredentialId(6), .reason = "a test"};
  EXPECT_THAT(std::string(Apply(definitions, itself, 10, exchange, commands).message()),
              HasSubstr("account 1: the operator that acts gives up the role administer"));
}

TEST_F(Defined, NamesTheDefinitionThatTheExchangeRefusesAndSaysWhy) {
  definitions.accounts[0].market = engine::MarketId(9);
  Bytes commands;
  const absl::Status status = Apply(definitions, Tester(), 10, exchange, commands);
  EXPECT_EQ(status.message(), "a:2: account 1: its market 9 is not defined");
}

TEST_F(Defined, WithoutTheColumnOperatorsKeepTheirRoles) {
  const std::string row = "6,operator," + Hash("b") + ",";
  Definitions with;
  ASSERT_TRUE(ReadCredentials(OperatorCredentials(row + "0,read\n"), "c", with).ok());
  Bytes commands;
  ASSERT_TRUE(Apply(with, Tester(), 10, exchange, commands).ok());
  Definitions without;
  ASSERT_TRUE(ReadCredentials(Credentials(row + "0\n"), "c", without).ok());
  EXPECT_EQ(Changes(without, exchange).size(), 0U);
  without.credentials[0].orders_per_second = 5;
  ASSERT_EQ(Changes(without, exchange).size(), 1U);
  EXPECT_EQ(Changes(without, exchange).credentials[0].roles, 1);
  without.credentials[0].kind = engine::CredentialKind::kDevice;
  EXPECT_EQ(Changes(without, exchange).credentials[0].roles, engine::kNoRoles);
  with.credentials[0].roles = engine::kNoRoles;
  EXPECT_EQ(Changes(with, exchange).size(), 1U) << "the file says that it has none";
}

std::string Certificates(std::string_view lines) {
  return std::string(kCertificatesHeader) + "\n" + std::string(lines);
}

std::string CertificatesError(const std::string& text) {
  Definitions definitions;
  return std::string(ReadCertificateRows(text, "certificates.csv", definitions).message());
}

TEST(CertificatesFile, RefusesBadLinesWithTheirPlace) {
  const std::string a = Hash("a");
  const std::string b = Hash("b");
  const std::string c = Hash("c");
  EXPECT_THAT(CertificatesError("credential\n"), HasSubstr("certificates.csv:1: the first line"));
  EXPECT_THAT(CertificatesError(Certificates("0," + a + "\n")), HasSubstr("certificates.csv:2: "));
  EXPECT_THAT(CertificatesError(Certificates("1,abc\n")), HasSubstr("64 hex digits"));
  EXPECT_THAT(CertificatesError(Certificates("1," + a + "\n2," + a + "\n")),
              HasSubstr(":3: a certificate that an earlier line has"));
  EXPECT_THAT(CertificatesError(Certificates("1," + a + "\n1," + b + "\n1," + c + "\n")),
              HasSubstr(":4: a third certificate of credential 1"));
  for (const std::string& both : {"1,\n1," + a + "\n", "1," + a + "\n1,\n"}) {
    EXPECT_THAT(CertificatesError(Certificates(both)),
                HasSubstr(":3: a credential with a row for"));
  }
  EXPECT_EQ(CertificatesError(Certificates("1," + a + "\n1," + b + "\n2,\n3," + c + "\n")), "");
}

class CertificateChanges : public testing::Test {
 protected:
  CertificateChanges() {
    start.credentials = {{.id = engine::CredentialId(1), .token_hash = HashToken("t1")},
                         {.id = engine::CredentialId(2), .token_hash = HashToken("t2")}};
    Bytes commands;
    EXPECT_TRUE(Apply(start, Tester(), 0, exchange, commands).ok());
  }
  // How many definitions it took; -1: refused.
  int Configure(std::string_view lines) {
    Definitions wanted;
    EXPECT_TRUE(ReadCertificateRows(Certificates(lines), "certificates.csv", wanted).ok());
    const Definitions changes = Changes(wanted, exchange);
    Bytes commands;
    error = std::string(Apply(changes, Tester(), 0, exchange, commands).message());
    return error.empty() ? static_cast<int>(CountDefinitions(commands)) : -1;
  }
  std::string Of(std::uint32_t credential, std::size_t place) {
    const auto hash = exchange.FindCertificates(engine::CredentialId(credential))[place];
    return hash == engine::CertificateHash{} ? "" : HexOfHash(hash);
  }

  Definitions start;
  engine::Exchange exchange;
  std::string error;
  const std::string a = Hash("a");
  const std::string b = Hash("b");
  const std::string c = Hash("c");
};

TEST_F(CertificateChanges, AreOnlyWhatIsOtherwiseNow) {
  EXPECT_EQ(Configure("1," + a + "\n"), 1);
  EXPECT_EQ(Configure("1," + a + "\n"), 0);
  EXPECT_EQ(Configure("1," + b + "\n1," + a + "\n"), 1) << "a stays where it is";
  EXPECT_EQ(Of(1, 0), a);
  EXPECT_EQ(Of(1, 1), b);
  EXPECT_EQ(Configure("1," + b + "\n1," + c + "\n"), 2);
  EXPECT_EQ(Of(1, 0), c);
  EXPECT_EQ(Of(1, 1), b);
  EXPECT_EQ(Configure("2,\n"), 0) << "credential 1 is not named and keeps its own";
  EXPECT_EQ(Configure("1,\n"), 2);
  EXPECT_EQ(Of(1, 0) + Of(1, 1), "");
}

TEST_F(CertificateChanges, MayMoveACertificateToAnotherCredential) {
  ASSERT_EQ(Configure("1," + a + "\n2," + b + "\n"), 2);
  EXPECT_EQ(Configure("1," + b + "\n2," + a + "\n"), 4) << error;
  EXPECT_EQ(Of(1, 0), b);
  EXPECT_EQ(Of(2, 0), a);
}

TEST_F(CertificateChanges, AreRefusedWithTheirPlace) {
  ASSERT_EQ(Configure("1," + a + "\n"), 1);
  EXPECT_EQ(Configure("2," + a + "\n"), -1);
  EXPECT_THAT(error, HasSubstr("certificates.csv:2: the certificate of credential 2: another"));
  EXPECT_EQ(Configure("3," + b + "\n"), -1);
  EXPECT_THAT(error, HasSubstr("there is no such credential"));
}

}  // namespace
}  // namespace gateway
