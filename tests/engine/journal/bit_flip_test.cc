// Any bit of a segment of 64 KiB may flip: it is detected, or it is in a last batch of which
// nothing on disk says that it was acknowledged, and that batch alone is cut.
#include <string>

#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/support/journal_records.h"
#include "tests/support/random_source.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

enum class Verdict : std::uint8_t { kRefused, kAllThere, kLastBatchCut, kWrong };

// Three batches, of which the last ends the journal, or an empty one behind it.
struct FlippedJournal {
  explicit FlippedJournal(bool window_closed) {
    JournalOptions options = SmallJournal();
    options.segment_bytes = kSegmentBytes;
    auto journal = OpenInMemory(disk, {}, options);
    EXPECT_TRUE(journal.ok());
    WriteBatch(**journal, {TestRecord(1, 60), TestRecord(2, 61)});
    WriteBatch(**journal, {TestRecord(3, 1)});
    WriteBatch(**journal, {TestRecord(4, 110), TestRecord(5, 13)});
    if (window_closed) {
      EXPECT_TRUE((*journal)->Settle().ok());
    }
    all = ReadAll(disk).records;
    EXPECT_EQ(all.size(), 5u);
  }

  Verdict Read() {
    const ReadBack read = ReadAll(disk);
    if (!read.status.ok()) {
      const bool named = read.status.ToString().find(path) != std::string::npos;
      return named ? Verdict::kRefused : Verdict::kWrong;
    }
    if (read.records == all) return Verdict::kAllThere;
    const RecordBytes three(all.begin(), all.begin() + 3);
    return read.records == three && read.tail.cut ? Verdict::kLastBatchCut : Verdict::kWrong;
  }

  // Flips each bit in turn and counts the verdicts by `judge(byte, verdict)`.
  template <typename Judge>
  void FlipAll(Judge judge) {
    constexpr unsigned kBits = kSanitized ? 1 : 8;  // Of each byte looked at.
    constexpr std::size_t kBytes = kSanitized ? 7 : 1;
    std::vector<std::byte>& bytes = disk.Bytes(path);
    ASSERT_EQ(bytes.size(), kSegmentBytes);
    for (std::size_t byte = 0; byte < bytes.size(); byte += kBytes) {
      for (unsigned i = 0; i < kBits; ++i) {
        const unsigned bit = (static_cast<unsigned>(byte) + i) % 8;
        bytes[byte] ^= std::byte(1u << bit);
        EXPECT_TRUE(judge(byte, Read())) << "bit " << bit << " of byte " << byte;
        bytes[byte] ^= std::byte(1u << bit);
      }
    }
  }

  static constexpr std::size_t kSegmentBytes = 16 * kBlockBytes;
  static constexpr std::size_t kLastBegin = 4 * kBlockBytes;
  static constexpr std::size_t kLastEnd = 6 * kBlockBytes;
  const std::string path = "shard-0/" + SegmentName(1);
  SimDisk disk;
  RecordBytes all;
};

TEST(BitFlip, NeverLosesARecordOnceTheWindowIsClosed) {
  FlippedJournal journal(true);
  journal.FlipAll([](std::size_t byte, Verdict verdict) {
    // Behind the last batch with records there is nothing to lose.
    return byte < FlippedJournal::kLastEnd ? verdict == Verdict::kRefused
                                           : verdict == Verdict::kAllThere;
  });
}

TEST(BitFlip, LosesAtMostTheLastBatchWhileTheWindowIsOpen) {
  FlippedJournal journal(false);
  journal.FlipAll([](std::size_t byte, Verdict verdict) {
    if (byte < FlippedJournal::kLastBegin) return verdict == Verdict::kRefused;
    if (byte < FlippedJournal::kLastEnd) return verdict == Verdict::kLastBatchCut;
    return verdict == Verdict::kAllThere;
  });
}

TEST(BitFlip, NeverLosesARecordOnceANewSegmentHasBegun) {
  FlippedJournal journal(false);
  ASSERT_TRUE(OpenInMemory(journal.disk, ReadAll(journal.disk).tail).ok());
  journal.FlipAll([](std::size_t byte, Verdict verdict) {
    return byte < FlippedJournal::kLastEnd ? verdict == Verdict::kRefused
                                           : verdict == Verdict::kAllThere;
  });
}

}  // namespace
}  // namespace engine
