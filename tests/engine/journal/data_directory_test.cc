#include "engine/journal/data_directory.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/journal_folder.h"

namespace engine {
namespace {

using testing::HasSubstr;

class DataDirectoryTest : public testing::Test {
 protected:
  DataDirectoryTest() {
    const auto id = MakeClusterId();
    EXPECT_TRUE(id.ok());
    description_ = {.cluster_id = *id,
                    .shard_count = 2,
                    .clock_origin_ns = -5,
                    .clock_wall_ns = 1'800'000'000'000'000'000,
                    .clock_factor = 900};
  }

  void Make() {
    const auto directory = DataDirectory::Create(PosixDisk(), path_, description_);
    ASSERT_TRUE(directory.ok()) << directory.status();
    ASSERT_TRUE(directory->Commit(PosixDisk()).ok());
  }
  std::string ClusterText() const {
    std::ifstream file(path_ + "/peerwatt.cluster");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  absl::Status OpenWith(const std::string& text) const {
    std::ofstream(path_ + "/peerwatt.cluster") << text;
    return DataDirectory::Open(PosixDisk(), path_).status();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path() + "/data";
  ClusterDescription description_;
};

TEST_F(DataDirectoryTest, ReadsBackWhatItWasMadeWith) {
  Make();
  const auto directory = DataDirectory::Open(PosixDisk(), path_);
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(directory->description(), description_);
  EXPECT_EQ(directory->ShardFolder(1), path_ + "/shard-1");
  EXPECT_TRUE(std::filesystem::is_directory(directory->ShardFolder(1)));
  EXPECT_EQ(directory->Identity(1).cluster_id, description_.cluster_id);
  EXPECT_EQ(directory->Identity(1).shard, 1u);
}

TEST_F(DataDirectoryTest, MakesTheKeyOfLotteriesOnceForItsOwnerAlone) {
  Make();
  const auto directory = DataDirectory::Open(PosixDisk(), path_);
  const auto made = directory->OpenLotteryKey(PosixDisk());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(made->made);
  EXPECT_NE(made->key, LotteryBytes{});
  EXPECT_EQ(std::filesystem::status(path_ + "/lottery.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto again = directory->OpenLotteryKey(PosixDisk());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->made);
  EXPECT_EQ(again->key, made->key);
  std::filesystem::remove(path_ + "/lottery.key");
  EXPECT_NE(directory->OpenLotteryKey(PosixDisk())->key, made->key);
}

TEST_F(DataDirectoryTest, RefusesADamagedKeyOfLotteries) {
  Make();
  const auto directory = DataDirectory::Open(PosixDisk(), path_);
  for (const std::string& text : {std::string(), std::string(64, 'a'), std::string(63, 'a') + "\n",
                                  std::string(64, 'x') + "\n", std::string(65, 'a') + "\n",
                                  std::string(64, '0') + "\n"}) {  // Everybody knows that one.
    std::ofstream(path_ + "/lottery.key") << text;
    const auto key = directory->OpenLotteryKey(PosixDisk());
    EXPECT_TRUE(absl::IsDataLoss(key.status())) << text;
    EXPECT_THAT(key.status().ToString(), HasSubstr(path_ + "/lottery.key: allowed is a line"));
  }
}

TEST_F(DataDirectoryTest, RefusesASecondDaemon) {
  Make();
  {
    const auto first = DataDirectory::Open(PosixDisk(), path_);
    ASSERT_TRUE(first.ok());
    const auto second = DataDirectory::Open(PosixDisk(), path_);
    EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
    EXPECT_THAT(second.status().ToString(), HasSubstr("in use by another peerwattd"));
    EXPECT_TRUE(DataDirectory::Read(PosixDisk(), path_).ok());  // Tools only look.
  }
  EXPECT_TRUE(DataDirectory::Open(PosixDisk(), path_).ok());
}

TEST_F(DataDirectoryTest, SaysWhetherADaemonHoldsIt) {
  EXPECT_FALSE(*DataDirectory::IsInUse(path_)) << "there is none";
  Make();
  EXPECT_FALSE(*DataDirectory::IsInUse(path_));
  const auto daemon = DataDirectory::Open(PosixDisk(), path_);
  ASSERT_TRUE(daemon.ok());
  EXPECT_TRUE(*DataDirectory::IsInUse(path_));
  EXPECT_TRUE(*DataDirectory::IsInUse(path_)) << "looking takes no lock away";
}

TEST_F(DataDirectoryTest, IsNoneBeforeItIsCommitted) {
  {
    const auto directory = DataDirectory::Create(PosixDisk(), path_, description_);
    ASSERT_TRUE(directory.ok());
    EXPECT_TRUE(absl::IsNotFound(DataDirectory::Open(PosixDisk(), path_).status()));
  }
  Make();  // An init that was interrupted is begun again.
  EXPECT_TRUE(DataDirectory::Open(PosixDisk(), path_).ok());
}

TEST_F(DataDirectoryTest, IsNotMadeTwice) {
  Make();
  EXPECT_TRUE(
      absl::IsAlreadyExists(DataDirectory::Create(PosixDisk(), path_, description_).status()));
}

TEST_F(DataDirectoryTest, IsNotMadeOverAJournal) {
  std::filesystem::create_directories(path_ + "/shard-1");
  std::ofstream(path_ + "/shard-1/journal-0000000000000001.seg") << "x";
  const auto directory = DataDirectory::Create(PosixDisk(), path_, description_);
  EXPECT_TRUE(absl::IsFailedPrecondition(directory.status()));
  EXPECT_THAT(directory.status().ToString(), HasSubstr("holds a journal"));
}

TEST_F(DataDirectoryTest, SaysHowOneIsMadeWhereThereIsNone) {
  const auto directory = DataDirectory::Open(PosixDisk(), path_);
  EXPECT_TRUE(absl::IsNotFound(directory.status()));
  EXPECT_THAT(directory.status().ToString(), HasSubstr("peerwattd init"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DataDirectoryTest, RefusesAChangedByteAnywhereInItsFile) {
  Make();
  const std::string text = ClusterText();
  ASSERT_THAT(text, HasSubstr("\nshard_count 2\n"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(OpenWith(changed).ok()) << "byte " << i;
    EXPECT_FALSE(OpenWith(text.substr(0, i)).ok()) << "cut at " << i;
  }
  EXPECT_FALSE(OpenWith(text + "x").ok());
  EXPECT_TRUE(OpenWith(text).ok());
}

TEST_F(DataDirectoryTest, RefusesANewerFormat) {
  Make();
  std::string text = ClusterText();
  text.replace(text.find("format 1"), 8, "format 2");
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenWith(text)));
}

TEST(ClusterId, IsAnotherEachTime) { EXPECT_NE(*MakeClusterId(), *MakeClusterId()); }

}  // namespace
}  // namespace engine
