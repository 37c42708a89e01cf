// Who is registered is known after every crash, and a file that is none is never taken for one.
#include "engine/journal/registered_readers.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sim_disk.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kFolder[] = "shard-0";
constexpr char kLedgerFile[] = "shard-0/reader-ledger.txt";

std::vector<RegisteredReader> Listed(Disk& disk) {
  const auto readers = ListReaders(disk, kFolder);
  EXPECT_TRUE(readers.ok()) << readers.status();
  return readers.ok() ? *readers : std::vector<RegisteredReader>();
}

void Put(SimDisk& disk, const std::string& path, const std::string& text) {
  const auto file = disk.Create(path);
  ASSERT_TRUE(file.ok() && (*file)->WriteAt(std::as_bytes(std::span(text)), 0).ok());
}

TEST(RegisteredReaders, AreThoseThatWereWrittenAndNotRemoved) {
  SimDisk disk;
  EXPECT_THAT(Listed(disk), IsEmpty());
  ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 0}).ok());
  ASSERT_TRUE(WriteReader(disk, kFolder, {"audit-2", 7}).ok());
  ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 12}).ok());
  EXPECT_THAT(Listed(disk),
              ElementsAre(RegisteredReader{"audit-2", 7}, RegisteredReader{"ledger", 12}));
  ASSERT_TRUE(RemoveReader(disk, kFolder, "audit-2").ok());
  EXPECT_THAT(Listed(disk), ElementsAre(RegisteredReader{"ledger", 12}));
  EXPECT_TRUE(absl::IsNotFound(RemoveReader(disk, kFolder, "audit-2")));
}

// As FORMAT.md has it: what one build writes another one reads.
TEST(RegisteredReaders, AreWrittenInTheirFirstFormat) {
  SimDisk disk;
  ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 1'234}).ok());
  const std::vector<std::byte>& bytes = disk.Bytes(kLedgerFile);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
            "reader ledger\npassed 1234\nchecksum ac96a0459429444b\n");
}

TEST(RegisteredReaders, HaveNamesThatAreFileNames) {
  for (const char* name : {"a", "ledger", "7", "audit-2", "abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_TRUE(IsReaderName(name)) << name;
  }
  for (const char* name : {"", "-a", "Ledger", "a b", "a/b", "..", "a.txt", "\xc3\xa9",
                           "abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_FALSE(IsReaderName(name)) << name;
  }
}

TEST(RegisteredReaders, AreRefusedWhicheverBitOfTheFileIsFlippedAndHoweverMuchIsMissing) {
  SimDisk disk;
  ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 1'234}).ok());
  const std::vector<std::byte> sound = disk.Bytes(kLedgerFile);
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    disk.Bytes(kLedgerFile)[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_TRUE(absl::IsDataLoss(ListReaders(disk, kFolder).status())) << "bit " << bit;
    disk.Bytes(kLedgerFile) = sound;
  }
  for (std::size_t size = 0; size < sound.size(); ++size) {
    disk.Bytes(kLedgerFile).resize(size);
    EXPECT_TRUE(absl::IsDataLoss(ListReaders(disk, kFolder).status())) << size << " bytes";
    disk.Bytes(kLedgerFile) = sound;
  }
  EXPECT_THAT(Listed(disk), ElementsAre(RegisteredReader{"ledger", 1'234}));
}

TEST(RegisteredReaders, AreRefusedUnderAnothersNameAndWhereTheyAreNone) {
  SimDisk disk;
  ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 4}).ok());
  ASSERT_TRUE(disk.Rename(kLedgerFile, "shard-0/reader-audit.txt").ok());
  const absl::Status status = ListReaders(disk, kFolder).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("shard-0/reader-audit.txt"));
  ASSERT_TRUE(RemoveReader(disk, kFolder, "audit").ok());  // What the message asks for.
  EXPECT_THAT(Listed(disk), IsEmpty());
  for (const char* text : {"", "no reader", "reader x\npassed 1\nchecksum 0\n"}) {
    Put(disk, "shard-0/reader-x.txt", text);
    EXPECT_TRUE(absl::IsDataLoss(ListReaders(disk, kFolder).status())) << text;
  }
  ASSERT_TRUE(disk.Remove("shard-0/reader-x.txt").ok());
  Put(disk, "shard-0/reader-ledger.txt.new", "what a crash has left");
  EXPECT_THAT(Listed(disk), IsEmpty());
}

TEST(RegisteredReaders, HaveComeToTheOldOrTheNewSequenceWhereverThePowerIsCut) {
  bool finished = false;
  for (std::uint64_t at = 0; !finished; ++at) {
    SimDisk disk;
    ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", 5}).ok());
    disk.CutFrom(disk.operations() + at);
    finished = WriteReader(disk, kFolder, {"ledger", 6}).ok();
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      const std::vector<RegisteredReader> readers = Listed(after);
      ASSERT_EQ(readers.size(), 1u) << at;
      EXPECT_TRUE(readers[0].passed == 6 || (!finished && readers[0].passed == 5)) << at;
    }
  }
}

TEST(ReadersLock, IsHeldByOneAtATime) {
  std::string name = (std::filesystem::temp_directory_path() / "peerwatt-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  {
    const auto lock = PosixDisk().TryLock(ReadersLock(folder.string()));
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_TRUE(absl::IsAborted(PosixDisk().TryLock(ReadersLock(folder.string())).status()));
  }
  EXPECT_TRUE(PosixDisk().TryLock(ReadersLock(folder.string())).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace engine
