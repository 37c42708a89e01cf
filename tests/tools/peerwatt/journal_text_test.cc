#include "tools/peerwatt/journal_text.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/acts.h"

namespace tools {
namespace {

using engine::ActBody;
using engine::CommandType;
using engine::CredentialId;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kTimeNs = std::int64_t{1'700'000'000} * 1'000'000'000;

std::vector<engine::AccountBody> TwoAccounts() {
  return {{.id = engine::AccountId{11},
           .party = engine::PartyId{2},
           .metering_point = engine::MeteringPointId{3},
           .market = engine::MarketId{4},
           .credential = CredentialId{5}},
          {.id = engine::AccountId{12}}};
}

template <typename Body>
engine::OwnedCommand Act(const std::vector<Body>& bodies, std::uint32_t who = 0,
                         std::string_view why = "new homes") {
  engine::OwnedCommand command = engine::ActCommand(
      kTimeNs, engine::MakeAct(CredentialId{who}, 1'000, engine::kDefines<Body>, why),
      std::span<const Body>(bodies));
  command.header().sequence = 7;
  return command;
}

std::string Rows(const engine::OwnedCommand& command) {
  std::ostringstream out;
  WriteActRows(command.view(), out);
  return out.str();
}

template <typename Body>
std::string Lines(const std::vector<Body>& bodies) {
  std::ostringstream out;
  WriteDefinitions(engine::DefinitionView(Act(bodies).view()), out);
  return out.str();
}

TEST(ActRows, SayWhoWhenWhatAndWhyOfEachDefinition) {
  EXPECT_EQ(Rows(Act(TwoAccounts())),
            "7,2023-11-14T22:13:20.000000Z,0,1000,define_account,11,\"new homes\"\n"
            "7,2023-11-14T22:13:20.000000Z,0,1000,define_account,12,\"new homes\"\n");
  EXPECT_EQ(Rows(Act(TwoAccounts(), 9)),
            "7,2023-11-14T22:13:20.000000Z,9,,define_account,11,\"new homes\"\n"
            "7,2023-11-14T22:13:20.000000Z,9,,define_account,12,\"new homes\"\n");
  const std::vector<engine::CertificateBody> certificate = {{.credential = CredentialId{5}}};
  EXPECT_THAT(Rows(Act(certificate)), HasSubstr(",define_certificate,5,"));
}

TEST(ActRows, AreOneFieldAReasonWhateverIsInIt) {
  EXPECT_THAT(Rows(Act(TwoAccounts(), 9, "a \"quote\", a comma")),
              HasSubstr(",\"a \"\"quote\"\", a comma\"\n"));
}

TEST(ActRows, AreNoFormulasOfASpreadsheet) {
  for (const char* why : {"=1+1", "+1", "-1", "@SUM(1)"}) {
    EXPECT_THAT(Rows(Act(TwoAccounts(), 9, why)), HasSubstr(std::string(",\"'") + why + "\"\n"));
  }
  EXPECT_THAT(Rows(Act(TwoAccounts(), 9, "1=1")), HasSubstr(",\"1=1\"\n"));
}

TEST(ActRows, AndActorsCommandNoTerminal) {
  ActBody act = engine::MakeAct(CredentialId{9}, 0, CommandType::kDefineAccount, "why");
  act.reason_bytes = UINT16_MAX;
  act.reason[0] = '\x1B';
  act.reason[1] = '\xFF';
  const std::vector<engine::AccountBody> accounts = TwoAccounts();
  const std::string rows = Rows(engine::ActCommand(kTimeNs, act, std::span(accounts)));
  EXPECT_THAT(rows, HasSubstr(R"(,"\x1b\xffy\x00)"));
  EXPECT_EQ(rows.find('\x1B'), std::string::npos);
  std::ostringstream out;
  WriteActor(act, out);
  EXPECT_THAT(out.str(), StartsWith(R"( who=9 reason="\x1b\xffy\x00)"));
}

TEST(Escaped, IsWhatCannotBeSeenAndNothingElse) {
  EXPECT_EQ(Escaped("Zähler \"5\", 電力\u00A0"), "Zähler \"5\", 電力\u00A0");
  EXPECT_EQ(Escaped("a\u202Eb"), R"(a\xe2\x80\xaeb)");
  EXPECT_EQ(Escaped("a\xC3"), R"(a\xc3)");
  EXPECT_EQ(Escaped("\u009B1m"), R"(\xc2\x9b1m)");
}

TEST(ActRows, AreOfBareDefinitionsAndTheFirstRecordToo) {
  engine::CommandHeader header;
  header.sequence = 3;
  header.type = CommandType::kDefineAccount;
  const std::vector<engine::AccountBody> accounts = TwoAccounts();
  EXPECT_EQ(Rows(engine::OwnedCommand(header, std::span(accounts).first(1))),
            "3,1970-01-01T00:00:00.000000Z,,,define_account,11,\n");
  header.type = CommandType::kGenesis;
  const engine::GenesisBody genesis;
  EXPECT_EQ(Rows(engine::OwnedCommand(header, std::span(&genesis, 1))),
            "3,1970-01-01T00:00:00.000000Z,,,genesis,,\n");
}

TEST(ActRows, AreOfNothingElse) {
  engine::CommandHeader header;
  header.type = CommandType::kSubmitOrders;
  const engine::OrderBody order;
  EXPECT_EQ(Rows(engine::OwnedCommand(header, std::span(&order, 1))), "");
}

TEST(DefinitionLines, SayWhatIsDefined) {
  EXPECT_THAT(Lines(TwoAccounts()),
              StartsWith("    account=11 party=2 metering_point=3 market=4 credential=5\n"));
  EXPECT_EQ(Lines(std::vector<engine::MeteringPointBody>{{engine::MeteringPointId{3}, 11'000, 0}}),
            "    metering_point=3 import_limit_w=11000 export_limit_w=0\n");
  std::vector<engine::CredentialBody> credentials = {
      {.id = CredentialId{5}, .orders_per_second = 9},
      {.id = CredentialId{6}, .kind = engine::CredentialKind::kOperator, .roles = 9}};
  EXPECT_EQ(Lines(credentials),
            "    credential=5 kind=device roles=none orders_per_second=9\n"
            "    credential=6 kind=operator roles=read+surveillance orders_per_second=0\n");
  std::vector<engine::CertificateBody> certificates(2);
  certificates[1].hash = {std::byte{0xAB}};
  EXPECT_THAT(Lines(certificates), HasSubstr("place=0 certificate_sha256=none\n"));
  EXPECT_THAT(Lines(certificates), HasSubstr("place=0 certificate_sha256=ab00"));
}

TEST(DefinitionLines, SayOfAMarketWhatItsFileSays) {
  engine::MarketDefinition market = engine::SmallMarket();
  market.retail_ticks = 300;
  EXPECT_THAT(Lines(std::vector{market}), StartsWith("    market=1\n        name = "));
  EXPECT_THAT(Lines(std::vector{market}), HasSubstr("        retail_ticks = 300\n"));
  market.name = {'a', '\x1B'};
  EXPECT_THAT(Lines(std::vector{market}), Not(HasSubstr("\x1B")));
  market.slot_minutes = 7;
  EXPECT_EQ(Lines(std::vector{market}), "    market=1\n") << "one that cannot be";
}

TEST(Actor, IsAUserOrACredential) {
  std::ostringstream out;
  WriteActor(engine::MakeAct({}, 1'000, CommandType::kDefineAccount, "why \"so\""), out);
  EXPECT_EQ(out.str(), " who=0 uid=1000 reason=\"why \"\"so\"\"\"");
  out.str("");
  WriteActor(engine::MakeAct(CredentialId{9}, 1'000, CommandType::kDefineAccount, "why"), out);
  EXPECT_EQ(out.str(), " who=9 reason=\"why\"");
}

}  // namespace
}  // namespace tools
