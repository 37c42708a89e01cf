#include "gateway/administration.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  InitOptions init;
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
  EXPECT_EQ(Recover().recovery.sequence, 6U);
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
  EXPECT_TRUE(absl::IsDataLoss(Configure(init.data, init.files).status()));
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

TEST_F(Administration, ConfigureJournalsOnlyWhatHasChanged) {
  ASSERT_TRUE(Initialise(init).ok());
  EXPECT_EQ(*Configure(init.data, init.files), 0U);
  Put("markets.toml", "[[market]]\nid = 1\nretail_ticks = 300\n[[market]]\nid = 2\n");
  EXPECT_EQ(*Configure(init.data, init.files), 2U);
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
  const auto changed = Configure(init.data, init.files);
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
  EXPECT_THAT(std::string(Configure(init.data, init.files).status().message()),
              HasSubstr("account 1"));
  EXPECT_EQ(Recover().exchange->FindMarket(engine::MarketId(1))->retail_ticks, 0);
}

TEST_F(Administration, ConfigureRefusesADirectoryInUse) {
  ASSERT_TRUE(Initialise(init).ok());
  const auto in_use = engine::DataDirectory::Open(engine::PosixDisk(), init.data);
  ASSERT_TRUE(in_use.ok());
  EXPECT_FALSE(Configure(init.data, init.files).ok());
}

}  // namespace
}  // namespace gateway
