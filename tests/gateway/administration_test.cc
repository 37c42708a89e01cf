#include "gateway/administration.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
#include "engine/journal/reader.h"
#include "gateway/accounts_file.h"
#include "gateway/token.h"
#include "tests/support/exchange_driver.h"

namespace gateway {
namespace {

using testing::HasSubstr;

// A folder of its own, with the files of one market, one credential and one account.
class Administration : public testing::Test {
 public:
  Administration() {
    std::string name = (std::filesystem::temp_directory_path() / "peerwatt-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    Put("markets.toml", "[[market]]\nid = 1\n");
    Put("credentials.csv",
        std::string(kCredentialsHeader) + "\n5,device," + HexOfHash(HashToken("secret")) + ",0\n");
    Put("accounts.csv", std::string(kAccountsHeader) + "\n1,2,3,1,5,0,0\n");
    init.data = Path("data");
    init.files = {.markets = Path("markets.toml"),
                  .accounts = Path("accounts.csv"),
                  .credentials = Path("credentials.csv")};
    changes = {.data = init.data, .files = init.files, .reason = "a test"};
  }
  ~Administration() override { std::filesystem::remove_all(folder); }

 protected:
  std::string Path(const std::string& name) const { return (folder / name).string(); }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  OpenShard Recover() const {
    const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
    EXPECT_TRUE(directory.ok()) << directory.status();
    auto shard = RecoverShard(*directory);
    EXPECT_TRUE(shard.ok()) << shard.status();
    return *std::move(shard);
  }

  std::filesystem::path folder;
  // The acts of the journal: who, what and why, for each definition.
  std::vector<std::string> Acts() const {
    std::vector<std::string> acts;
    const engine::ReadOptions journal{.folder = Path("data/shard-0")};
    const auto tail =
        engine::Recover(engine::PosixDisk(), journal, [&acts](engine::CommandView command) {
          const engine::DefinitionView what(command);
          if (what.act() == nullptr) return absl::OkStatus();
          const engine::ActBody& act = *what.act();
          acts.push_back(absl::StrCat(static_cast<std::uint32_t>(act.who), " ", act.uid, " ",
                                      static_cast<int>(what.type()), " ",
                                      absl::string_view(act.why().data(), act.why().size())));
          return absl::OkStatus();
        });
    EXPECT_TRUE(tail.ok()) << tail.status();
    return acts;
  }

  InitOptions init;
  ConfigureOptions changes;
};

TEST_F(Administration, InitJournalsTheDefinitionsAndAnOperator) {
  const auto token = Initialise(init);
  ASSERT_TRUE(token.ok()) << token.status();
  const OpenShard shard = Recover();
  EXPECT_NE(shard.exchange->FindMarket(engine::MarketId(1)), nullptr);
  EXPECT_NE(shard.exchange->FindAccount(engine::AccountId(1)), nullptr);
  const engine::CredentialBody* first = shard.exchange->FindCredential(kFirstOperator);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->kind, engine::CredentialKind::kOperator);
  EXPECT_EQ(first->token_hash, HashToken(*token));
  EXPECT_EQ(first->roles, engine::kAllRoles);
  EXPECT_EQ(shard.exchange->genesis().order_capacity, init.order_capacity);
}

TEST_F(Administration, InitMakesTheKeyOfLotteries) {
  ASSERT_TRUE(Initialise(init).ok());
  const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
  const auto key = directory->OpenLotteryKey(engine::PosixDisk());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_FALSE(key->made) << "the daemon finds it";
}

TEST_F(Administration, InitRefusesADirectoryThatIsOneAlready) {
  ASSERT_TRUE(Initialise(init).ok());
  EXPECT_FALSE(Initialise(init).ok());
  EXPECT_EQ(Recover().recovery.sequence, 5U);
}

// As where the file system with the journal is not mounted: a market that knows nobody must not
// open.
TEST_F(Administration, AShardWithoutARecordIsNeitherServedNorConfigured) {
  ASSERT_TRUE(Initialise(init).ok());
  std::filesystem::remove_all(folder / "data" / "shard-0");
  std::filesystem::create_directory(folder / "data" / "shard-0");
  {
    const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
    ASSERT_TRUE(directory.ok()) << directory.status();
    const auto store = OpenEventStore(*directory, Config());
    ASSERT_TRUE(store.ok()) << store.status();
    const absl::Status status = RecoverShard(*directory, store->get()).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("shard-0: no journal"));
  }
  EXPECT_TRUE(absl::IsDataLoss(Configure(changes).status()));
}

TEST_F(Administration, InitKeepsTheDemoClock) {
  init.clock_factor = 60;
  init.clock_origin_ns = 1'700'000'000'000'000'000;
  ASSERT_TRUE(Initialise(init).ok());
  const auto description = engine::DataDirectory::Read(engine::PosixDisk(), init.data);
  ASSERT_TRUE(description.ok());
  EXPECT_EQ(ScaleOf(*description).factor, 60);
  EXPECT_EQ(ScaleOf(*description).origin_ns, *init.clock_origin_ns);
  EXPECT_EQ(Recover().exchange->time_ns(), *init.clock_origin_ns);
}

TEST_F(Administration, InitMakesNothingWhereAFileIsBad) {
  Put("accounts.csv", std::string(kAccountsHeader) + "\n1,2,3,9,5,0,0\n");
  const auto token = Initialise(init);
  EXPECT_THAT(std::string(token.status().message()), HasSubstr("account 1"));
  EXPECT_FALSE(std::filesystem::exists(init.data));
}

// It could never be lowered again.
TEST_F(Administration, InitRefusesACapacityThatNoStartCouldGive) {
  init.order_capacity = std::uint64_t{1} << 40;
  EXPECT_THAT(std::string(Initialise(init).status().message()),
              HasSubstr("an order capacity of 1099511627776 is more than this machine has memory"));
  EXPECT_FALSE(std::filesystem::exists(init.data));
}

TEST_F(Administration, InitMakesTheFirstOperatorItself) {
  Put("credentials.csv", std::string(kCredentialsHeader) + "\n5,device," +
                             HexOfHash(HashToken("secret")) + ",0\n4294967295,operator," +
                             HexOfHash(HashToken("mine")) + ",0\n");
  EXPECT_THAT(std::string(Initialise(init).status().message()),
              HasSubstr("credentials.csv:3: init makes this operator itself"));
  EXPECT_FALSE(std::filesystem::exists(init.data));
}

TEST_F(Administration, ConfigureJournalsOnlyWhatHasChanged) {
  ASSERT_TRUE(Initialise(init).ok());
  EXPECT_EQ(*Configure(changes), 0U);
  Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n[[market]]\nid = 2\n");
  EXPECT_EQ(*Configure(changes), 2U);
  const OpenShard shard = Recover();
  EXPECT_EQ(shard.exchange->FindMarket(engine::MarketId(1))->retail_ticks, 300);
  EXPECT_NE(shard.exchange->FindMarket(engine::MarketId(2)), nullptr);
}

TEST_F(Administration, ConfigureChangesADirectoryThatWasTradedIn) {
  ASSERT_TRUE(Initialise(init).ok());
  {
    const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
    ASSERT_TRUE(directory.ok());
    auto shard = RecoverShard(*directory);
    ASSERT_TRUE(shard.ok());
    std::string writer;
    auto journal = OpenJournal(*directory, Config(), shard->recovery.tail, &writer);
    ASSERT_TRUE(journal.ok());
    // A product opens: a record with something to tell, and the daemon ends.
    const engine::DueCommand due = *shard->exchange->NextDue();
    engine::CommandHeader header;
    header.sequence = shard->exchange->sequence() + 1;
    header.time_ns = std::max(shard->exchange->time_ns(), due.due_ns);
    header.type = due.type;
    const engine::OwnedCommand command(header, std::span<const engine::ProductBody>(&due.body, 1));
    ASSERT_TRUE(shard->exchange->Apply(command.view()));
    (*journal)->Append(command.view());
    ASSERT_TRUE((*journal)->Settle().ok());
  }
  Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n");
  const auto changed = Configure(changes);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(*changed, 1U);
}

TEST_F(Administration, InitRefusesAClockThatBeginsOutsideOfTime) {
  for (const std::int64_t origin_ns : {std::int64_t{-1}, engine::kTimeNsMax}) {
    init.clock_origin_ns = origin_ns;
    EXPECT_THAT(std::string(Initialise(init).status().message()), HasSubstr("1970"));
    EXPECT_FALSE(std::filesystem::exists(init.data));
  }
}

TEST_F(Administration, RefusesADirectoryOfAnotherNumberOfShards) {
  init.shards = 2;
  ASSERT_TRUE(Initialise(init).ok());
  const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
  ASSERT_TRUE(directory.ok());
  EXPECT_THAT(std::string(RecoverShard(*directory).status().message()),
              HasSubstr("made for 2 shards"));
}

TEST_F(Administration, ConfigureLeavesNothingOfWhatIsRefused) {
  ASSERT_TRUE(Initialise(init).ok());
  Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n");
  Put("accounts.csv", std::string(kAccountsHeader) + "\n1,77,3,1,5,0,0\n");
  EXPECT_THAT(std::string(Configure(changes).status().message()), HasSubstr("account 1"));
  EXPECT_EQ(Recover().exchange->FindMarket(engine::MarketId(1))->retail_ticks, 0);
}

TEST_F(Administration, InitAndConfigureSayWhoAndWhyInTheJournal) {
  const std::string user = absl::StrCat("0 ", ::getuid(), " ");
  ASSERT_TRUE(Initialise(init).ok());
  ASSERT_EQ(Acts().size(), 4U);
  EXPECT_EQ(Acts()[0], user + "2 the directory was made");
  Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n");
  ASSERT_EQ(*Configure(changes), 1U);
  EXPECT_EQ(Acts().back(), user + "2 a test");
}

TEST_F(Administration, InitMayHaveAReasonOfItsOwn) {
  init.reason = "two\nlines";
  EXPECT_THAT(std::string(Initialise(init).status().message()), HasSubstr("a line of text"));
  EXPECT_FALSE(std::filesystem::exists(init.data));
  init.reason = "the trial in Elm Street";
  ASSERT_TRUE(Initialise(init).ok());
  EXPECT_THAT(Acts()[0], HasSubstr("the trial in Elm Street"));
}

TEST_F(Administration, ConfigureNeedsAReason) {
  ASSERT_TRUE(Initialise(init).ok());
  for (const std::string& reason :
       {std::string(), std::string("\t"), std::string(161, 'x'), std::string("\u3000")}) {
    changes.reason = reason;
    EXPECT_TRUE(absl::IsInvalidArgument(Configure(changes).status()));
  }
}

// An initialised directory, and an operator with all roles and one without administer.
class Operators : public Administration {
 protected:
  Operators() {
    Put("operators.csv", std::string(kCredentialsRolesHeader) + "\n7,operator," +
                             HexOfHash(HashToken("seven")) + ",0,administer\n8,operator," +
                             HexOfHash(HashToken("eight")) + ",0,read operate surveillance\n");
    const auto first = Initialise(init);
    EXPECT_TRUE(first.ok());
    first_token = first.value_or("");
    changes.files = {.credentials = Path("operators.csv")};
    EXPECT_EQ(Configure(changes).value_or(0), 2U);
    Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n");
    changes.files = init.files;
  }
  void By(std::uint32_t id, const std::string& token) {
    Put("token", token + "\n");
    changes.operator_id = engine::CredentialId(id);
    changes.token_file = Path("token");
  }
  std::string Refusal(std::uint32_t id, const std::string& token) {
    By(id, token);
    const absl::Status status = Configure(changes).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    return std::string(status.message());
  }

  std::string first_token;
};

TEST_F(Operators, ThatAdministerAct) {
  By(7, "seven");
  ASSERT_TRUE(Configure(changes).ok());
  EXPECT_EQ(Acts().back(), "7 0 2 a test");
  EXPECT_EQ(Recover().exchange->FindMarket(engine::MarketId(1))->retail_ticks, 300);
}

TEST_F(Operators, TheFirstOneAdministersFromTheStart) {
  By(static_cast<std::uint32_t>(kFirstOperator), first_token);
  EXPECT_TRUE(Configure(changes).ok());
}

TEST_F(Operators, TheFirstOneIsRevokedByAFileThatNamesIt) {
  const std::string first = absl::StrCat(static_cast<std::uint32_t>(kFirstOperator));
  const std::string hash = HexOfHash(HashToken("another"));
  Put("operators.csv",
      std::string(kCredentialsRolesHeader) + "\n" + first + ",operator," + hash + ",0,\n");
  Put("certificates.csv", std::string(kCertificatesHeader) + "\n" + first + "," + hash + "\n");
  changes.files = {.credentials = Path("operators.csv"), .certificates = Path("certificates.csv")};
  ASSERT_EQ(*Configure(changes), 2U);
  const engine::CredentialBody now = *Recover().exchange->FindCredential(kFirstOperator);
  EXPECT_EQ(now.roles, engine::kNoRoles);
  EXPECT_EQ(now.token_hash, HashToken("another"));
  EXPECT_EQ(Refusal(UINT32_MAX, first_token), "operator 4294967295: the token is not its token");
  EXPECT_EQ(Refusal(UINT32_MAX, "another"),
            "operator 4294967295: it does not have the role administer");
}

TEST_F(Operators, WithAnEmptyTokenAreRefusedThoughItsHashIsTheirs) {
  Put("operators.csv", std::string(kCredentialsRolesHeader) + "\n9,operator," +
                           HexOfHash(HashToken("")) + ",0,administer\n");
  ConfigureOptions more = changes;
  more.files = {.credentials = Path("operators.csv")};
  ASSERT_TRUE(Configure(more).ok());
  for (const char* token : {"", "\n", "\r\n"}) {
    EXPECT_EQ(Refusal(9, token), "operator 9: the token is not its token");
  }
}

TEST_F(Operators, ThatDoNotAdministerAreRefused) {
  EXPECT_EQ(Refusal(8, "eight"), "operator 8: it does not have the role administer");
}

TEST_F(Operators, WithAnotherTokenAreRefused) {
  for (const char* token : {"eight", "", "seven "}) {
    EXPECT_EQ(Refusal(7, token), "operator 7: the token is not its token");
  }
}

TEST_F(Operators, WithoutATokenFileAreRefused) {
  By(7, "seven");
  changes.token_file = Path("elsewhere");
  EXPECT_TRUE(absl::IsNotFound(Configure(changes).status()));
}

TEST_F(Operators, ThatAreNoneAreRefused) {
  EXPECT_EQ(Refusal(99, "seven"), "operator 99: there is no such operator");
  EXPECT_EQ(Refusal(5, "secret"), "operator 5: there is no such operator") << "a device";
}

TEST_F(Operators, ThatAreRefusedChangeNothing) {
  const std::size_t before = Acts().size();
  Refusal(8, "eight");
  EXPECT_EQ(Acts().size(), before);
  EXPECT_EQ(Recover().exchange->FindMarket(engine::MarketId(1))->retail_ticks, 0);
}

TEST_F(Operators, WithoutARoleAreGivenItBackByWhoOwnsTheMachine) {
  const std::string text = std::string(kCredentialsRolesHeader) + "\n7,operator," +
                           HexOfHash(HashToken("seven")) + ",0,";
  Put("operators.csv", text + "\n");
  changes.files = {.credentials = Path("operators.csv")};
  By(7, "seven");
  ASSERT_EQ(*Configure(changes), 1U) << "the last that had it";
  Put("operators.csv", text + "administer\n");
  Refusal(7, "seven");
  changes.operator_id = {};
  EXPECT_EQ(*Configure(changes), 1U);
}

TEST_F(Administration, ConfigureRefusesADirectoryInUse) {
  ASSERT_TRUE(Initialise(init).ok());
  const auto in_use = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
  ASSERT_TRUE(in_use.ok());
  EXPECT_FALSE(Configure(changes).ok());
}

}  // namespace
}  // namespace gateway
