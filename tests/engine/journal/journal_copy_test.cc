// A copy of a journal is what a recovery would read, whatever its daemon does meanwhile.
#include "engine/journal/journal_copy.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/journal_records.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr char kCopy[] = "copy";

ReadOptions Source(bool being_written) {
  return {.folder = "shard-0", .identity = kTestIdentity, .being_written = being_written};
}

// A journal with records in several segments.
class WrittenJournal {
 public:
  explicit WrittenJournal(std::uint64_t records) {
    EXPECT_TRUE(disk.CreateFolder("shard-0").ok() && disk.CreateFolder(kCopy).ok());
    Open();
    for (std::uint64_t i = 0; i < records; ++i) Write();
  }
  void Open() { journal = *OpenInMemory(disk, ReadAll(disk).tail); }
  void Append() {
    const std::uint64_t sequence = journal->appended_sequence() + 1;
    journal->Append(TestRecord(sequence, static_cast<std::uint32_t>(sequence * 37 % 120)).view());
  }
  void Write() {
    Append();
    while (journal->durable_sequence() != journal->appended_sequence()) Turn();
  }
  void Turn() { ASSERT_TRUE(journal->Turn(now_ns += 1'000'000).ok()); }

  SimDisk disk;
  std::unique_ptr<Journal> journal;
  std::int64_t now_ns = 0;
};

// Hands all on, and lets something happen before each operation that looks at the source.
class BusyFile final : public File {
 public:
  BusyFile(std::unique_ptr<File> file, const std::function<void()>& happen)
      : file_(std::move(file)), happen_(happen) {}
  absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) override {
    happen_();
    return file_->ReadAt(into, offset);
  }
  absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) override {
    return file_->WriteAt(bytes, offset);
  }
  absl::Status Sync() override { return file_->Sync(); }
  absl::StatusOr<std::uint64_t> Size() override { return file_->Size(); }

 private:
  std::unique_ptr<File> file_;
  const std::function<void()>& happen_;
};

class BusyDisk final : public Disk {
 public:
  BusyDisk(Disk& disk, std::function<void()> happen) : disk_(disk), happen_(std::move(happen)) {}

  absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) override {
    happen_();
    absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(path);
    if (!file.ok()) return file.status();
    return std::make_unique<BusyFile>(*std::move(file), happen_);
  }
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override {
    return disk_.Create(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    happen_();
    return disk_.List(folder);
  }
  absl::Status CreateFolder(const std::string& folder) override {
    return disk_.CreateFolder(folder);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return disk_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return disk_.Remove(path); }
  absl::Status SyncFolder(const std::string& folder) override { return disk_.SyncFolder(folder); }
  absl::StatusOr<std::uint64_t> FreeBytes(const std::string& folder) override {
    return disk_.FreeBytes(folder);
  }

 private:
  Disk& disk_;
  const std::function<void()> happen_;
};

TEST(JournalCopy, IsWhatTheJournalHolds) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(40);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->next_sequence, 41u);
    EXPECT_GT(source.journal->segment(), 5u);
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    EXPECT_EQ(copy.records, ReadAll(source.disk).records);
    EXPECT_FALSE(copy.tail.cut.has_value());
  }
}

// It holds what was on disk before it began, and nothing but what was appended before it ended.
TEST(JournalCopy, IsABeginningOfAJournalThatIsWrittenMeanwhile) {
  std::uint64_t grew = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 20 : 200, 5'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    WrittenJournal source(random.Below(40));
    const std::uint64_t before = source.journal->durable_sequence();
    BusyDisk disk(source.disk, [&] {
      for (std::uint64_t turns = random.Below(6); turns > 0; --turns) {
        if (source.journal->HasRoom(sizeof(CommandHeader) + 120 * sizeof(OrderBody))) {
          source.Append();
        }
        source.Turn();
      }
    });
    const auto copied = CopyJournal(disk, Source(true), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    ASSERT_GT(copied->next_sequence, before);
    grew += copied->next_sequence - 1 - before;
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    ASSERT_EQ(copy.tail.next_sequence, copied->next_sequence);
    ASSERT_TRUE(source.journal->Settle().ok());
    const RecordBytes all = ReadAll(source.disk).records;
    ASSERT_LE(copy.records.size(), all.size());
    ASSERT_TRUE(std::equal(copy.records.begin(), copy.records.end(), all.begin()));
  }
  EXPECT_GT(grew, 100u);
}

TEST(JournalCopy, GoesOnAsTheJournalWould) {
  WrittenJournal source(7);
  ASSERT_TRUE(CopyJournal(source.disk, Source(false), kCopy).ok());
  JournalOptions options = SmallJournal();
  options.folder = kCopy;
  auto journal = OpenInMemory(source.disk, ReadAll(source.disk, kCopy).tail, options);
  ASSERT_TRUE(journal.ok()) << journal.status();
  WriteBatch(**journal, {TestRecord(8, 3)});
  EXPECT_EQ(ReadAll(source.disk, kCopy).records.size(), 8u);
}

// The last batch, damaged: torn for who comes after the daemon, on its way for who reads beside it.
TEST(JournalCopy, LeavesOutABatchThatIsNotWhole) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(3);
    std::vector<std::byte>& bytes = source.disk.Bytes("shard-0/" + SegmentName(1));
    auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](auto b) { return b != std::byte(); });
    ASSERT_NE(last, bytes.rend());
    *last ^= std::byte(1);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->next_sequence, 3u);
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    EXPECT_EQ(copy.records.size(), 2u);
    EXPECT_FALSE(copy.tail.cut.has_value());  // It is not in the copy at all.
  }
}

TEST(JournalCopy, IsNotMadeOfADamagedJournal) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(40);
    source.disk.Bytes("shard-0/" + SegmentName(2))[kBlockBytes] ^= std::byte(1);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    EXPECT_TRUE(absl::IsDataLoss(copied.status())) << copied.status();
    EXPECT_THAT(copied.status().ToString(), HasSubstr(SegmentName(2) + ", byte 4096"));
  }
}

TEST(JournalCopy, OfAnEmptyJournalIsEmpty) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateFolder("shard-0").ok() && disk.CreateFolder(kCopy).ok());
  const auto copied = CopyJournal(disk, Source(false), kCopy);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->next_sequence, 1u);
  EXPECT_EQ(copied->bytes, 0u);
}

// Whatever goes wrong is an error, and no error is a whole copy.
TEST(JournalCopy, OnAFailingDiskIsWholeOrAnError) {
  std::uint64_t failed = 0;
  bool met = true;
  for (std::uint64_t at = 0; met; ++at) {
    SCOPED_TRACE(at);
    WrittenJournal source(12);
    const std::size_t failed_before = source.disk.failed().size();
    source.disk.SetFault(
        {.kind = DiskFault::Kind::kFailsOnce, .at = source.disk.operations() + at});
    const auto copied = CopyJournal(source.disk, Source(false), kCopy);
    met = source.disk.failed().size() > failed_before;
    source.disk.Heal();
    if (met) {
      EXPECT_FALSE(copied.ok());
      ++failed;
    } else {
      ASSERT_TRUE(copied.ok()) << copied.status();
      EXPECT_EQ(ReadAll(source.disk, kCopy).records.size(), 12u);
    }
  }
  EXPECT_GT(failed, 20u);
}

TEST(JournalCopy, IsOnDiskWhenItIsSaidToBe) {
  WrittenJournal source(40);
  ASSERT_TRUE(source.disk.SyncFolder("copy/..").ok());
  ASSERT_TRUE(CopyJournal(source.disk, Source(false), kCopy).ok());
  SimDisk after(source.disk, PowerCut::kLosesUnsynced, 1);
  EXPECT_EQ(ReadAll(after, kCopy).records.size(), 40u);
}

}  // namespace
}  // namespace engine
