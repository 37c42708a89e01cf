// What may go is what everybody has passed, and is as old as it has to be.
#include "engine/journal/retention.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Three segments of ten records each, and the one that is written.
const std::vector<BegunSegment> four_segments = {
    {1, 1, 100}, {2, 11, 200}, {3, 21, 300}, {4, 31, std::nullopt}};
const Passed all_passed = {.before_ns = 1'000, .snapshot = 30, .outbox = 30, .readers = {}};

TEST(Retention, LetsGoWhatEverybodyHasPassedAndIsOldEnough) {
  Passed passed = all_passed;
  passed.readers = {{"ledger", 20}, {"audit", 25}};
  const Removable removable = FindRemovable(four_segments, passed);
  EXPECT_EQ(removable.segments, 2u);
  EXPECT_THAT(removable.held_by, IsEmpty());
}

TEST(Retention, KeepsWhatOnlyTheSnapshotHasNotPassed) {
  Passed passed = all_passed;
  passed.snapshot = 19;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 1u);
  passed.snapshot = 9;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 0u);
}

TEST(Retention, KeepsAllWhereThereAreNoTwoSnapshots) {
  Passed passed = all_passed;
  passed.snapshot = 0;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 0u);
  // A segment whose only batch was cut has no record that anybody could have to pass.
  const std::vector<BegunSegment> cut = {{1, 1, std::nullopt}, {2, 1, 100}, {3, 11, 200}};
  EXPECT_EQ(FindRemovable(cut, passed).segments, 0u);
  passed.snapshot = 5;
  EXPECT_EQ(FindRemovable(cut, passed).segments, 1u);
}

TEST(Retention, KeepsWhatOnlyTheOutboxHasNotPassed) {
  Passed passed = all_passed;
  passed.outbox = 19;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 1u);
  passed.outbox = 0;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 0u);
}

TEST(Retention, KeepsWhatIsTooYoung) {
  Passed passed = all_passed;
  passed.before_ns = 300;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 1u);
  passed.before_ns = 301;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 2u);
  passed.before_ns = 200;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 0u);
}

TEST(Retention, KeepsWhatOnlyAReaderHasNotPassedAndNamesTheSlowest) {
  Passed passed = all_passed;
  passed.readers = {{"audit", 25}, {"ledger", 19}, {"meter", 30}};
  const Removable one = FindRemovable(four_segments, passed);
  EXPECT_EQ(one.segments, 1u);
  EXPECT_THAT(one.held_by, HasSubstr("reader ledger, which has passed sequence 19"));
  passed.readers[0].passed = 0;
  const Removable none = FindRemovable(four_segments, passed);
  EXPECT_EQ(none.segments, 0u);
  EXPECT_THAT(none.held_by, HasSubstr("reader audit"));
}

TEST(Retention, BlamesNoReaderForWhatIsKeptAnyway) {
  Passed passed = all_passed;
  passed.snapshot = 9;
  passed.readers = {{"ledger", 0}};
  EXPECT_THAT(FindRemovable(four_segments, passed).held_by, IsEmpty());
}

TEST(Retention, KeepsTheSegmentThatIsWritten) {
  EXPECT_EQ(FindRemovable({}, all_passed).segments, 0u);
  EXPECT_EQ(FindRemovable({four_segments.data(), 1}, all_passed).segments, 0u);
  Passed passed = all_passed;
  passed.snapshot = passed.outbox = 1'000;
  EXPECT_EQ(FindRemovable(four_segments, passed).segments, 2u);  // The fourth has no record yet.
  std::vector<BegunSegment> written = four_segments;
  written.back().first_time_ns = 400;
  EXPECT_EQ(FindRemovable(written, passed).segments, 3u);
}

// A journal record by record, for the slow twin.
struct Record {
  std::size_t segment = 0;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;
};

struct RandomJournal {
  explicit RandomJournal(RandomSource& random) {
    std::uint64_t sequence = 1 + random.Below(5);
    std::int64_t time_ns = static_cast<std::int64_t>(random.Below(5));
    if (sequence > 1) records.push_back({0, sequence - 1, 0});  // The last one that is gone.
    const std::size_t count = random.Below(8);
    for (std::size_t i = 0; i < count; ++i) {
      segments.push_back({.number = 3 + i, .first_sequence = sequence, .first_time_ns = {}});
      for (std::uint64_t left = random.Below(4); left > 0; --left) {
        time_ns += static_cast<std::int64_t>(random.Below(3));
        records.push_back({i, sequence++, time_ns});
        if (!segments.back().first_time_ns) segments.back().first_time_ns = time_ns;
      }
    }
    end = sequence;
    passed = {.before_ns = static_cast<std::int64_t>(random.Below(30)),
              .snapshot = random.Below(end + 2),
              .outbox = random.Below(end + 2),
              .readers = {}};
    for (std::uint64_t left = random.Below(3); left > 0; --left) {
      passed.readers.push_back({"r" + std::to_string(left), random.Below(end + 2)});
    }
  }

  std::vector<BegunSegment> segments;
  std::vector<Record> records;
  std::uint64_t end = 0;
  Passed passed;
};

// Whether all segments before `kept` may go, by looking at every record.
bool MayGo(const RandomJournal& journal, std::size_t kept) {
  const Passed& passed = journal.passed;
  if (passed.snapshot == 0 || kept >= journal.segments.size()) return false;
  for (const Record& record : journal.records) {
    if (record.segment >= kept) return record.time_ns < passed.before_ns;  // The first behind.
    if (record.sequence > passed.snapshot || record.sequence > passed.outbox) return false;
    for (const RegisteredReader& reader : passed.readers) {
      if (record.sequence > reader.passed) return false;
    }
  }
  return false;
}

TEST(Retention, FindsWhatALookAtEveryRecordFinds) {
  std::uint64_t gone = 0;
  std::uint64_t held = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 5'000 : 50'000, 1'000'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    RandomJournal journal(random);
    const Removable found = FindRemovable(journal.segments, journal.passed);
    std::size_t due = 0;
    for (std::size_t kept = 1; kept <= journal.segments.size(); ++kept) {
      if (MayGo(journal, kept)) due = kept;
    }
    ASSERT_EQ(found.segments, due);
    journal.passed.readers.clear();
    ASSERT_EQ(FindRemovable(journal.segments, journal.passed).segments > due,
              !found.held_by.empty());
    gone += due;
    held += found.held_by.empty() ? 0 : 1;
  }
  EXPECT_GT(gone, 1'000u);
  EXPECT_GT(held, 300u);
}

}  // namespace
}  // namespace engine
