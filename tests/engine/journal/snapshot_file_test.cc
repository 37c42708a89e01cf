// A snapshot's file: what is read is what was written, or a word that says what is wrong.
#include "engine/journal/snapshot_file.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_source.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr JournalIdentity kIdentity{.cluster_id = {std::byte{7}}, .shard = 0};
constexpr std::uint64_t kSequence = 0x1234;

std::vector<std::byte> SomeState(std::size_t bytes) {
  RandomSource random(bytes);
  std::vector<std::byte> state(bytes);
  for (std::byte& byte : state) byte = static_cast<std::byte>(random.Below(256));
  return state;
}

absl::StatusOr<SnapshotHeader> Write(Disk& disk, const std::vector<std::byte>& state,
                                     std::size_t piece = 777) {
  auto writer = SnapshotWriter::Begin(disk, "shard-0", kIdentity, kSequence, 42);
  if (!writer.ok()) return writer.status();
  for (std::span<const std::byte> rest = state; !rest.empty();) {
    const std::span<const std::byte> some = rest.first(std::min(piece, rest.size()));
    (*writer)->Add(some);
    rest = rest.subspan(some.size());
  }
  return (*writer)->Finish();
}

absl::StatusOr<std::vector<std::byte>> Read(Disk& disk, const JournalIdentity& identity = kIdentity,
                                            std::uint64_t sequence = kSequence) {
  auto reader = SnapshotReader::Open(disk, "shard-0", sequence, identity);
  if (!reader.ok()) return reader.status();
  std::vector<std::byte> state;
  for (auto piece = (*reader)->Next(); !piece.empty(); piece = (*reader)->Next()) {
    state.insert(state.end(), piece.begin(), piece.end());
  }
  if (absl::Status status = (*reader)->Check(); !status.ok()) return status;
  return state;
}

TEST(SnapshotFile, HoldsWhatWasWrittenInAnyPieces) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, kBlockBytes, std::size_t{1} << 20,
                                  (std::size_t{3} << 20) + 5}) {
    SimDisk disk;
    const std::vector<std::byte> state = SomeState(bytes);
    const auto header = Write(disk, state);
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->state_bytes, bytes);
    EXPECT_EQ(header->digest, DigestOf(state));
    EXPECT_EQ(header->time_ns, 42);
    const auto read = Read(disk);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == state);
  }
}

// Of a small file: every bit of the header and of the state, some between them, and some lengths.
TEST(SnapshotFile, IsDataLossWhereABitIsFlippedOrAByteIsMissing) {
  SimDisk disk;
  ASSERT_TRUE(Write(disk, SomeState(100)).ok());
  const std::string path = "shard-0/" + SnapshotName(kSequence);
  const std::vector<std::byte> sound = disk.Bytes(path);
  const std::size_t sparse = Repeats(97, 1);
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    const bool is_zero = bit / 8 >= sizeof(SnapshotHeader) && bit / 8 < kBlockBytes;
    if (is_zero && bit % sparse != 0) continue;
    disk.Bytes(path)[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_TRUE(absl::IsDataLoss(Read(disk).status())) << bit;
    disk.Bytes(path)[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  for (std::size_t size = 0; size < sound.size(); size += sparse) {
    disk.Bytes(path).resize(size);
    ASSERT_TRUE(absl::IsDataLoss(Read(disk).status())) << size;
    disk.Bytes(path) = sound;
  }
  EXPECT_TRUE(Read(disk).ok());
}

TEST(SnapshotFile, IsRefusedUnderAnothersName) {
  SimDisk disk;
  ASSERT_TRUE(Write(disk, SomeState(100)).ok());
  const JournalIdentity other{.cluster_id = {std::byte{8}}, .shard = 0};
  EXPECT_TRUE(absl::IsFailedPrecondition(Read(disk, other).status()));
  const std::string to = "shard-0/" + SnapshotName(kSequence + 1);
  ASSERT_TRUE(disk.Rename("shard-0/" + SnapshotName(kSequence), to).ok());
  const absl::Status status = Read(disk, kIdentity, kSequence + 1).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("put back the right file"));
}

TEST(SnapshotFile, ThatWasNotFinishedHasNoName) {
  SimDisk disk;
  {
    auto writer = SnapshotWriter::Begin(disk, "shard-0", kIdentity, kSequence, 42);
    ASSERT_TRUE(writer.ok());
    (*writer)->Add(SomeState(std::size_t{2} << 20));
    EXPECT_THAT(*ListSnapshots(disk, "shard-0"), ElementsAre());
    EXPECT_EQ(disk.names().size(), 1U);
  }
  EXPECT_TRUE(disk.names().empty());
}

TEST(SnapshotFile, AreListedNewestFirst) {
  SimDisk disk;
  for (const char* name : {"snapshot-0000000000000007.snap", "snapshot-00000000000000ff.snap",
                           "snapshot-0000000000000000.snap", "snapshot-7.snap",
                           "snapshot-00000000000000FE.snap", "journal-0000000000000001.seg"}) {
    ASSERT_TRUE(disk.Create(std::string("shard-0/") + name).ok());
  }
  EXPECT_THAT(*ListSnapshots(disk, "shard-0"), ElementsAre(255, 7));
}

}  // namespace
}  // namespace engine
