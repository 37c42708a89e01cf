// What is left on a simulated disk, and whether it is all that the homes were told.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/journal/data_directory.h"
#include "engine/journal/reader.h"
#include "tests/engine/runtime/sim_process.h"
#include "tests/support/replayed_records.h"

namespace engine {

// The journal's records, with those that were removed; none where there is no data directory yet.
inline absl::StatusOr<RecordBytes> ReadRecords(SimDisk& disk, const std::string& data,
                                               const Archive* archive = nullptr) {
  const auto description = DataDirectory::Read(disk, data);
  if (absl::IsNotFound(description.status())) return RecordBytes();
  if (!description.ok()) return description.status();
  RecordBytes records;
  SimDisk whole;
  if (archive != nullptr) PutTogether(disk, *archive, whole);
  const auto tail =
      Recover(archive == nullptr ? disk : whole,
              {.folder = data + "/shard-0",
               .identity = JournalIdentity{.cluster_id = description->cluster_id, .shard = 0}},
              [&records](CommandView command) {
                records.emplace_back(command.bytes().begin(), command.bytes().end());
                return absl::OkStatus();
              });
  if (!tail.ok()) return tail.status();
  return records;
}

inline bool BeginsWith(const RecordBytes& records, const RecordBytes& beginning) {
  return beginning.size() <= records.size() &&
         std::equal(beginning.begin(), beginning.end(), records.begin());
}

// Every home asks again for each answer that it ever got, or did not get.
inline void ExpectSameAnswers(SimProcess& process, const Homes& homes) {
  process.Settle();
  process.LogonAll();
  process.ResendAll();
  ASSERT_TRUE(process.status().ok()) << process.status();
  for (std::uint32_t home = 1; home <= kHomes; ++home) {
    for (std::uint64_t seq = 1; seq <= homes.sent[home - 1].size(); ++seq) {
      EXPECT_TRUE(homes.told.Answered(CredentialId{home}, seq)) << "home " << home << ", " << seq;
    }
  }
}

// A day that nothing disturbed: what others are measured by.
class UndisturbedDay {
 public:
  UndisturbedDay(SimDisk& disk, const std::string& data, ToldEvents events)
      : told(std::move(events)) {
    absl::StatusOr<RecordBytes> read = ReadRecords(disk, data);
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok()) records = *std::move(read);
    const RecordBytes none;
    ReplayedRecords replayed(none);
    digests_.push_back(replayed.StateDigest());
    for (const std::vector<std::byte>& record : records) {
      replayed.Apply(record);
      digests_.push_back(replayed.StateDigest());
    }
    told.ExpectPartOf(replayed.events());
    replayed.events().ExpectNumberedWithoutGaps();
    replayed.ExpectEnergyIsConserved();
  }

  // A day that was disturbed has left a beginning of this one, with all that its homes were told;
  // a process that goes on from there answers them as before.
  void ExpectBeginningOn(SimDisk& disk, const std::string& data, Homes homes, std::int64_t now_ns,
                         const Archive* archive = nullptr) const {
    const absl::StatusOr<RecordBytes> found = ReadRecords(disk, data, archive);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_TRUE(BeginsWith(records, *found));
    ASSERT_GE(found->size(), homes.told.last_sequence());
    if (found->empty()) return;
    ManualClock clock(now_ns);
    SimProcess process(disk, data, clock, homes, {});
    process.Start();
    ASSERT_TRUE(process.status().ok()) << process.status();
    EXPECT_EQ(ToHex(process.recovered().digest), ToHex(digests_[found->size()]));
    ExpectSameAnswers(process, homes);
  }

  ToldEvents told;
  RecordBytes records;

 private:
  std::vector<DigestBytes> digests_;  // After so many records.
};

}  // namespace engine
