// What recovery accepts, and what it refuses with a file, a byte and a reason.
#include "engine/journal/reader.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/format.h"
#include "engine/journal/record.h"
#include "tests/support/acts.h"
#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Path(std::uint64_t segment) { return "shard-0/" + SegmentName(segment); }

// Two segments: batches of records 1-2, 3, 4 and an empty one; then, from another start, 5 and 6.
class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    auto journal = OpenInMemory(disk_, {});
    EXPECT_TRUE(journal.ok());
    WriteBatch(**journal, {TestRecord(1, 1), TestRecord(2, 2)});
    WriteBatch(**journal, {TestRecord(3, 3)});
    WriteBatch(**journal, {TestRecord(4, 4)});
    EXPECT_TRUE((*journal)->Settle().ok());
    journal = OpenInMemory(disk_, ReadAll(disk_).tail);
    EXPECT_TRUE(journal.ok());
    WriteBatch(**journal, {TestRecord(5, 5)});
    WriteBatch(**journal, {TestRecord(6, 6)});
  }

  std::vector<std::byte>& Bytes(std::uint64_t segment) { return disk_.Bytes(Path(segment)); }
  void Flip(std::uint64_t segment, std::size_t byte) { Bytes(segment).at(byte) ^= std::byte{4}; }
  std::string Refusal() {
    const ReadBack read = ReadAll(disk_);
    EXPECT_FALSE(read.status.ok());
    return read.status.ToString();
  }
  // Writes a batch with sound checksums over segment 2's second one.
  void Replace(const std::function<void(BatchHeader&)>& change,
               const std::vector<std::byte>& record) {
    std::vector<std::byte> batch(kBlockBytes);
    BatchHeader header{.magic = 0,
                       .format_version = 0,
                       .segment = 2,
                       .batch = 1,
                       .first_sequence = 6,
                       .durable_sequence = 5,
                       .records = 1,
                       .bytes = static_cast<std::uint32_t>(sizeof(header) + record.size()),
                       .records_checksum = 0,
                       .header_checksum = 0};
    change(header);
    std::ranges::copy(record, batch.begin() + sizeof(header));
    SealBatch(ChecksumSeed(kTestIdentity, 2), header, batch);
    std::ranges::copy(batch, Bytes(2).begin() + 2 * kBlockBytes);
  }

  SimDisk disk_;
};

TEST_F(RecoveryTest, HandsOutEveryRecordInOrder) {
  const ReadBack read = ReadAll(disk_);
  ASSERT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.records.size(), 6u);
  EXPECT_EQ(read.records[4], TestRecord(5, 5).bytes());
  EXPECT_EQ(read.tail.next_sequence, 7u);
  EXPECT_EQ(read.tail.next_segment, 3u);
  EXPECT_EQ(read.tail.last_time_ns, 6'000);
  EXPECT_EQ(read.tail.last_file, Path(2));
}

TEST_F(RecoveryTest, OfAnEmptyFolderBeginsWithSequenceOne) {
  SimDisk empty;
  const ReadBack read = ReadAll(empty);
  ASSERT_TRUE(read.status.ok());
  EXPECT_EQ(read.tail.next_sequence, 1u);
  EXPECT_EQ(read.tail.next_segment, 1u);
}

TEST_F(RecoveryTest, ChangesNothingOnDisk) {
  const std::uint64_t before = disk_.changes();
  ASSERT_TRUE(ReadAll(disk_).status.ok());
  EXPECT_EQ(disk_.changes(), before);
}

TEST_F(RecoveryTest, BeginsAtTheSequenceAskedFor) {
  for (std::uint64_t from = 1; from <= 7; ++from) {
    auto reader = JournalReader::Open(disk_, {.folder = "shard-0", .from_sequence = from});
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (std::uint64_t sequence = from; sequence <= 6; ++sequence) {
      const auto record = (*reader)->Next();
      ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
      EXPECT_EQ((*record)->header().sequence, sequence);
    }
    EXPECT_FALSE((*reader)->Next()->has_value());
    EXPECT_FALSE((*reader)->Next()->has_value());
    EXPECT_EQ((*reader)->tail().next_sequence, 7u);
  }
}

TEST_F(RecoveryTest, RefusesAJournalThatEndsBeforeTheSequenceAskedFor) {
  auto reader = JournalReader::Open(disk_, {.folder = "shard-0", .from_sequence = 9});
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(absl::IsDataLoss((*reader)->Next().status()));
}

TEST_F(RecoveryTest, StopsWithTheErrorOfWhoTakesTheRecords) {
  const auto tail = Recover(disk_, {.folder = "shard-0"}, [](CommandView command) {
    return command.header().sequence == 3 ? absl::AbortedError("another outcome")
                                          : absl::OkStatus();
  });
  EXPECT_EQ(tail.status(), absl::AbortedError("another outcome"));
}

TEST_F(RecoveryTest, RefusesDamageInTheMiddleAndNamesTheByte) {
  Flip(1, 2 * kBlockBytes + 70);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(1)), HasSubstr("byte 8192"),
                               HasSubstr("sequence 3"), HasSubstr("backup")));
}

TEST_F(RecoveryTest, RefusesDamageThatALaterBatchOfTheLastSegmentProves) {
  Flip(2, kBlockBytes + 100);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(2)), HasSubstr("byte 4096"),
                               HasSubstr("a later one at byte 8192")));
}

TEST_F(RecoveryTest, RefusesDamageThatALaterBatchProvesThoughItsOwnRecordsAreDamaged) {
  Flip(2, kBlockBytes + 100);
  Flip(2, 2 * kBlockBytes + 100);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr("byte 4096")));
}

TEST_F(RecoveryTest, RefusesADamagedEmptyBatchThatALaterOneFollows) {
  auto journal = OpenInMemory(disk_, ReadAll(disk_).tail);
  ASSERT_TRUE(journal.ok());
  ASSERT_EQ((*journal)->segment(), 3u);
  WriteBatch(**journal, {TestRecord(7, 1)});
  ASSERT_TRUE((*journal)->Settle().ok());
  WriteBatch(**journal, {TestRecord(8, 1)});
  Flip(3, 2 * kBlockBytes + 20);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr("byte 8192")));
}

TEST_F(RecoveryTest, RefusesALossThatOnlyTheNextSegmentProves) {
  std::fill(Bytes(1).begin() + 3 * kBlockBytes, Bytes(1).end(), std::byte{0});
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(1)), HasSubstr("byte 12288"),
                               HasSubstr("next segment begins with 5")));
}

TEST_F(RecoveryTest, RefusesDamageFartherThanATornWriteReaches) {
  JournalOptions options = SmallJournal();
  options.segment_bytes = 2 * kBatchBytesMax;
  auto journal = OpenInMemory(disk_, ReadAll(disk_).tail, options);
  ASSERT_TRUE(journal.ok());
  Flip(3, kBlockBytes + kBatchBytesMax - 1);
  EXPECT_TRUE(ReadAll(disk_).status.ok());
  Flip(3, kBlockBytes + kBatchBytesMax);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr("no torn write reaches so far")));
}

TEST_F(RecoveryTest, RefusesADamagedHeaderWithSomethingBehindIt) {
  Flip(2, 40);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(2)), HasSubstr("byte 0")));
  Flip(2, 40);
  Flip(1, 4'000);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(1)), HasSubstr("byte 0")));
}

TEST_F(RecoveryTest, TakesALastSegmentThatHasNotBegunForTheNext) {
  disk_.Remove(Path(3)).IgnoreError();  // Made ahead, if the turns sufficed.
  std::fill(Bytes(2).begin(), Bytes(2).end(), std::byte{0});
  Bytes(2)[17] = std::byte{1};  // A torn header.
  const ReadBack read = ReadAll(disk_);
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.tail.next_sequence, 5u);
  EXPECT_EQ(read.tail.next_segment, 2u);
}

TEST_F(RecoveryTest, RefusesAMissingSegment) {
  ASSERT_TRUE(OpenInMemory(disk_, ReadAll(disk_).tail).ok());
  ASSERT_TRUE(disk_.Remove(Path(2)).ok());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(2)), HasSubstr("missing")));
}

TEST_F(RecoveryTest, RefusesAMissingFirstSegment) {
  ASSERT_TRUE(disk_.Remove(Path(1)).ok());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(2)),
                               HasSubstr("begins with sequence 5")));
}

TEST_F(RecoveryTest, RefusesAnotherClustersJournalAndAnotherShards) {
  JournalIdentity other = kTestIdentity;
  other.cluster_id[3] = std::byte{1};
  auto reader = JournalReader::Open(disk_, {.folder = "shard-0", .identity = other});
  EXPECT_TRUE(absl::IsFailedPrecondition(reader.status()));
  EXPECT_THAT(reader.status().ToString(), AllOf(HasSubstr(Path(1)), HasSubstr("cluster")));
  other = kTestIdentity;
  other.shard = 3;
  reader = JournalReader::Open(disk_, {.folder = "shard-0", .identity = other});
  EXPECT_TRUE(absl::IsFailedPrecondition(reader.status()));
  EXPECT_THAT(reader.status().ToString(), HasSubstr("belongs to shard 0, not to 3"));
}

TEST_F(RecoveryTest, RefusesASegmentUnderAnothersName) {
  Bytes(2) = Bytes(1);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(Path(2)), HasSubstr("the file is segment 1")));
}

TEST_F(RecoveryTest, RefusesANameThatIsNoSegments) {
  ASSERT_TRUE(disk_.Create("shard-0/journal-2.seg").ok());
  EXPECT_THAT(Refusal(), HasSubstr("shard-0/journal-2.seg"));
}

TEST_F(RecoveryTest, RefusesAFileLongerThanItsHeaderSays) {
  Bytes(2).push_back(std::byte{0});
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(Path(2)), HasSubstr("32769 bytes")));
}

TEST_F(RecoveryTest, RefusesANewerFormat) {
  SegmentHeader header;
  std::vector<std::byte> block(kBlockBytes);
  WriteSegmentHeader(kTestIdentity, 2, 5, 8 * kBlockBytes, block);
  ASSERT_EQ(ReadSegmentHeader(block, header), BlockState::kValid);
  EXPECT_EQ(header.format_version, 1u);
  // A flipped version alone is damage, not a newer format.
  Flip(2, 8);
  EXPECT_THAT(Refusal(), HasSubstr("DATA_LOSS"));
}

TEST_F(RecoveryTest, TakesABatchThatIsAsItShouldBe) {
  Replace([](BatchHeader&) {}, TestRecord(6, 1).bytes());
  EXPECT_TRUE(ReadAll(disk_).status.ok());
}

TEST_F(RecoveryTest, RefusesBatchesWithSoundChecksumsThatCannotBe) {
  const auto refusal = [this](const std::function<void(BatchHeader&)>& change) {
    Replace(change, TestRecord(6, 1).bytes());
    return Refusal();
  };
  const auto place = AllOf(HasSubstr(Path(2)), HasSubstr("byte 8192"));
  EXPECT_THAT(refusal([](auto& header) { header.first_sequence = 7; }),
              AllOf(place, HasSubstr("a gap")));
  EXPECT_THAT(refusal([](auto& header) {
                header.first_sequence = 5;
                header.durable_sequence = 4;
              }),
              AllOf(place, HasSubstr("a duplicate")));
  EXPECT_THAT(refusal([](auto& header) { header.batch = 2; }), AllOf(place, HasSubstr("batch 2")));
  EXPECT_THAT(refusal([](auto& header) { header.segment = 1; }),
              AllOf(place, HasSubstr("segment 1")));
  EXPECT_THAT(refusal([](auto& header) { header.durable_sequence = 6; }),
              AllOf(place, HasSubstr("on disk before it")));
  EXPECT_THAT(refusal([](auto& header) { header.records = 0; }),
              AllOf(place, HasSubstr("cannot be here")));
  EXPECT_THAT(refusal([](auto& header) { header.records = 2; }),
              AllOf(HasSubstr(Path(2)), HasSubstr("does not fit")));
}

TEST_F(RecoveryTest, RefusesRecordsThatCannotBe) {
  const auto refusal = [this](const std::function<void(CommandHeader&)>& change) {
    TestRecord record(6, 1);
    change(record.header());
    Replace([](BatchHeader&) {}, record.bytes());
    return Refusal();
  };
  const auto place = AllOf(HasSubstr(Path(2)), HasSubstr("byte 8256"));
  EXPECT_THAT(refusal([](auto& header) { header.length = 44; }),
              AllOf(place, HasSubstr("a record of 44 bytes")));
  EXPECT_THAT(refusal([](auto& header) { header.length = 32; }), place);
  EXPECT_THAT(refusal([](auto& header) { header.length = 800; }), place);
  EXPECT_THAT(refusal([](auto& header) { header.length = 40, header.count = 0; }),
              AllOf(place, HasSubstr("more bytes than its records")));
  EXPECT_THAT(refusal([](auto& header) { header.count = 2; }), AllOf(place, HasSubstr("2 bodies")));
  EXPECT_THAT(refusal([](auto& header) { header.type = CommandType{47}; }),
              AllOf(place, HasSubstr("type 47"), HasSubstr("newer")));
  EXPECT_THAT(refusal([](auto& header) { header.type = CommandType::kLogon; }), place);
  EXPECT_THAT(refusal([](auto& header) { header.version = 2; }),
              AllOf(place, HasSubstr("version 2")));
  EXPECT_THAT(refusal([](auto& header) { header.sequence = 8; }),
              AllOf(place, HasSubstr("sequence 8, not 6")));
  EXPECT_THAT(refusal([](auto& header) { header.time_ns = 4'999; }),
              AllOf(place, HasSubstr("time steps back")));
}

TEST(Record, OfAnActIsAsLongAsWhatItDefines) {
  const std::vector<MeteringPointBody> points(2);
  ActBody act = MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why");
  const auto refusal = [&](std::uint32_t count) {
    OwnedCommand command = ActCommand(0, act, std::span(points));
    command.header().count = count;
    return std::string(CheckRecord(command.view().bytes()).message());
  };
  EXPECT_EQ(refusal(2), "");
  EXPECT_THAT(refusal(1), HasSubstr("a record of type 7 has 32 bytes for 1 bodies of 16"));
  EXPECT_THAT(refusal(UINT32_MAX), HasSubstr("bodies of 16"));
  act.type = CommandType::kDefineAccount;
  EXPECT_EQ(refusal(1), "") << "one of 32 bytes";
  for (const auto type : {CommandType::kGenesis, CommandType::kAct, CommandType::kSubmitOrders,
                          CommandType{0}, CommandType{15}}) {
    act.type = type;
    EXPECT_THAT(refusal(2), HasSubstr("type 7 version 1 is not known to this program"));
  }
  CommandHeader header;
  header.type = CommandType::kAct;
  const OwnedCommand short_one(header, std::span(points));
  EXPECT_FALSE(CheckRecord(short_one.view().bytes()).ok());
}

// The bytes of a disk may be anybody's: a checksum is no signature.
TEST(Record, OfAnActSaysWhoAndWhyAsOneDoes) {
  const std::vector<MeteringPointBody> points = {{.id = MeteringPointId{1}}};
  const ActBody good = MakeAct(CredentialId{9}, 0, CommandType::kDefineMeteringPoint, "why");
  const auto refused = [&points](const ActBody& act, CredentialId sender, std::uint64_t seq) {
    OwnedCommand command = ActCommand(0, act, std::span(points));
    command.header().credential = sender;
    command.header().client_seq = seq;
    return absl::IsInvalidArgument(CheckRecord(command.view().bytes()));
  };
  EXPECT_FALSE(refused(good, {}, 0));
  EXPECT_TRUE(refused(good, CredentialId{9}, 0));
  EXPECT_TRUE(refused(good, {}, 1));
  for (const int bytes : {0, 161, 65'535}) {
    ActBody act = good;
    act.reason_bytes = static_cast<std::uint16_t>(bytes);
    EXPECT_TRUE(refused(act, {}, 0)) << bytes;
    EXPECT_LE(act.why().size(), kActReasonBytes);
  }
  for (const char letter : {'\x1B', '\n', '\0', '\xFF'}) {
    ActBody act = good;
    act.reason[1] = letter;
    EXPECT_TRUE(refused(act, {}, 0));
  }
  ActBody act = good;
  act.uid = 5;
  EXPECT_TRUE(refused(act, {}, 0)) << "of a credential";
}

TEST_F(RecoveryTest, RefusesAnActThatCannotBeThoughItsChecksumHolds) {
  const std::vector<MeteringPointBody> points = {{.id = MeteringPointId{1}}};
  ActBody act = MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why");
  act.reason_bytes = UINT16_MAX;
  OwnedCommand command = ActCommand(0, act, std::span(points));
  command.header().sequence = 6;
  command.header().time_ns = 6'000;
  const auto bytes = command.view().bytes();
  Replace([](BatchHeader&) {}, {bytes.begin(), bytes.end()});
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("INVALID_ARGUMENT"), HasSubstr(Path(2)),
                               HasSubstr("byte 8256"), HasSubstr("an act")));
}

TEST(ChecksumSeed, DiffersByClusterShardAndSegment) {
  const std::uint64_t seed = ChecksumSeed(kTestIdentity, 1);
  JournalIdentity other = kTestIdentity;
  other.cluster_id[15] = std::byte{1};
  EXPECT_NE(ChecksumSeed(other, 1), seed);
  other = kTestIdentity;
  other.shard = 1;
  EXPECT_NE(ChecksumSeed(other, 1), seed);
  EXPECT_NE(ChecksumSeed(kTestIdentity, 2), seed);
}

TEST_F(RecoveryTest, TakesABatchOfAnotherSegmentForDamage) {
  std::copy_n(Bytes(1).begin() + kBlockBytes, kBlockBytes, Bytes(2).begin() + kBlockBytes);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr(Path(2)), HasSubstr("damaged")));
}

TEST(SegmentName, ReadsBackOnlyWhatItWrites) {
  EXPECT_EQ(SegmentName(0x1f), "journal-000000000000001f.seg");
  EXPECT_EQ(SegmentNumber("journal-000000000000001f.seg"), 31u);
  EXPECT_EQ(SegmentNumber("journal-000000000000001F.seg"), std::nullopt);
  EXPECT_EQ(SegmentNumber("journal-0000000000000000.seg"), std::nullopt);
  EXPECT_EQ(SegmentNumber("journal-000000000000001f.sec"), std::nullopt);
  EXPECT_EQ(SegmentNumber("journal-1f.seg"), std::nullopt);
}

}  // namespace
}  // namespace engine
