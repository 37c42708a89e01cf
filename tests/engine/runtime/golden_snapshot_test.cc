// Snapshots that programs of every format have written: each is loaded to the state that it was
// made of, and the golden journal behind it comes to what the whole one comes to. They are never
// written anew: a format that changes gets others beside them.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/recovery.h"
#include "engine/runtime/snapshots.h"
#include "tests/support/golden_files.h"
#include "tests/support/journal_records.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr char kJournals[] = PEERWATT_GOLDEN "/journal_format_1/";
constexpr char kSnapshots[] = PEERWATT_GOLDEN "/snapshot_format_1/";
const ReadOptions shard_folder = {.folder = "shard-0", .identity = kTestIdentity};

struct Golden {
  const char* name;  // Of the journal that it lies in.
  std::uint64_t sequence;
  const char* digest;
};

// As the program that wrote them said.
constexpr Golden kGolden[] = {
    {"continuous_sweep_v1", 24, "9a9bbf7d4d5dae58bb73a4cd5ca27cb8"},
    {"continuous_v1", 203, "146ee7d91649870597ee3b005713491a"},
    {"forward_v1", 213, "bfcfe9ea007dd26ffbac382743664f42"},
    {"huang_v1", 208, "ec38d42844f8e6b0164ed27dc3f3d04b"},
    {"mcafee_v1", 208, "780c00c35be1305fea529c3deb525792"},
    {"muda_v1", 218, "60b456a5e65505cae5233cf81b53a9df"},
    {"pay_as_bid_v1", 218, "dbc76edfc25e9ec63667e445dcbcc755"},
    {"played_bisecting_v1", 123, "c660f24d980fcaf8d491c6c335d7241a"},
    {"played_descending_v1", 237, "726c7b238df54a5da8748e32e3d353e5"},
    {"reverse_v1", 213, "8276baa29946609e990e9f387ed5ff96"},
    {"sbba_v1", 208, "88c3f23bcdd285e29d67f5325fce63ce"},
    {"stackelberg_v1", 221, "7e93dd4fec942e37cab5c5c761d6c1d7"},
    {"trade_reduction_v1", 208, "663f2602e5759925c425654f046dda15"},
    {"uniform_v1", 219, "ee7b8afa18123aac1dd0e10916109f30"},
    {"vcg_v1", 218, "be98bf1711daf3b4fe8bcf2f135cf775"},
};

void PutJournal(const std::string& name, SimDisk& disk) {
  const std::vector<std::byte> segment = BytesOfFile(kJournals + name + ".seg");
  ASSERT_FALSE(segment.empty());
  PutFile(SegmentName(1), segment, disk);
}

void PutSnapshot(const Golden& golden, SimDisk& disk) {
  const std::vector<std::byte> bytes = BytesOfFile(kSnapshots + std::string(golden.name) + ".snap");
  ASSERT_FALSE(bytes.empty());
  PutFile(SnapshotName(golden.sequence), bytes, disk);
}

DigestBytes DigestOfTheWhole(const std::string& name) {
  SimDisk disk;
  PutJournal(name, disk);
  Exchange exchange;
  const auto recovery = RecoverExchange(disk, shard_folder, exchange);
  EXPECT_TRUE(recovery.ok()) << recovery.status();
  return exchange.StateDigest();
}

class GoldenSnapshot : public testing::TestWithParam<Golden> {};

TEST_P(GoldenSnapshot, IsLoadedToTheStateThatItWasMadeOf) {
  SimDisk disk;
  PutSnapshot(GetParam(), disk);
  const auto exchange = LoadSnapshot(disk, shard_folder.folder, GetParam().sequence, kTestIdentity);
  ASSERT_TRUE(exchange.ok()) << exchange.status();
  EXPECT_EQ((*exchange)->sequence(), GetParam().sequence);
  EXPECT_EQ(ToHex((*exchange)->StateDigest()), GetParam().digest);
}

TEST_P(GoldenSnapshot, IsFollowedByItsJournal) {
  SimDisk disk;
  PutJournal(GetParam().name, disk);
  PutSnapshot(GetParam(), disk);
  std::unique_ptr<Exchange> exchange;
  const auto recovery = RecoverFromSnapshot(disk, shard_folder, exchange);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->snapshot_sequence, GetParam().sequence);
  EXPECT_GT(recovery->sequence, GetParam().sequence);
  EXPECT_EQ(ToHex(recovery->digest), ToHex(DigestOfTheWhole(GetParam().name)));
}

INSTANTIATE_TEST_SUITE_P(, GoldenSnapshot, testing::ValuesIn(kGolden),
                         [](const auto& golden) { return std::string(golden.param.name); });

TEST(GoldenSnapshots, AreAllLoaded) {
  std::set<std::string> known;
  for (const Golden& golden : kGolden) known.insert(golden.name);
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kSnapshots)) {
    EXPECT_TRUE(known.contains(file.path().stem().string())) << file.path();
    ++files;
  }
  EXPECT_EQ(files, known.size());
}

// The golden one, with another version in its header, under a sound checksum.
void PutVersion(std::uint32_t version, SimDisk& disk) {
  std::vector<std::byte> bytes = BytesOfFile(kSnapshots + std::string(kGolden[0].name) + ".snap");
  SnapshotHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.format_version = version;
  header.checksum = 0;
  header.checksum =
      HeaderBlockChecksum(std::span(bytes).first(kBlockBytes), std::as_bytes(std::span(&header, 1)),
                          ChecksumSeed(kTestIdentity, header.sequence));
  std::memcpy(bytes.data(), &header, sizeof(header));
  PutFile(SnapshotName(header.sequence), bytes, disk);
}

TEST(GoldenSnapshots, OfANewerFormatAreRefusedByAStart) {
  SimDisk disk;
  PutJournal(kGolden[0].name, disk);
  PutVersion(kSnapshotFormatVersion + 1, disk);
  std::unique_ptr<Exchange> exchange;
  const absl::Status status = RecoverFromSnapshot(disk, shard_folder, exchange).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("snapshot format version 3, but this program reads 2: run the program that "
                        "wrote it"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      LoadNewestSnapshot(disk, shard_folder.folder, kTestIdentity).status()));
}

// The journal has what is in it.
TEST(GoldenSnapshots, OfAFormatThatIsNotReadAnyMoreArePassedOver) {
  SimDisk disk;
  PutJournal(kGolden[0].name, disk);
  PutVersion(0, disk);
  std::unique_ptr<Exchange> exchange;
  const auto recovery = RecoverFromSnapshot(disk, shard_folder, exchange);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->snapshot_sequence, 0u);
  ASSERT_EQ(recovery->damaged.size(), 1u);
  EXPECT_THAT(recovery->damaged.front(), HasSubstr("snapshot format version 0 is not read"));
}

// Whether a game, or the matching of an order, goes on with it.
bool GoesOn(CommandType type) {
  return type == CommandType::kStepGame || type == CommandType::kReplyQuantities ||
         type == CommandType::kContinueMatching;
}

// Where the state of its journal's exchange is the longest; in the middle of something, where it
// ever is.
std::uint64_t RichestSequence(const std::string& name) {
  SimDisk disk;
  PutJournal(name, disk);
  Exchange exchange;
  std::pair<bool, std::uint64_t> most;
  std::uint64_t richest = 0;
  const auto tail = Recover(disk, shard_folder, [&](CommandView command) {
    const std::pair here(GoesOn(command.header().type), StateBytes(exchange));
    if (here > most) richest = exchange.sequence();
    most = std::max(most, here);
    return Replay(command, exchange);
  });
  EXPECT_TRUE(tail.ok()) << tail.status();
  return richest;
}

// What this program would add to the golden snapshots: to a folder that the environment names, with
// the lines for the table above on the standard output.
TEST(GoldenSnapshots, CanBeWrittenOfEveryGoldenJournal) {
  for (const auto& file : std::filesystem::directory_iterator(kJournals)) {
    const std::string name = file.path().stem().string();
    SCOPED_TRACE(name);
    const std::uint64_t richest = RichestSequence(name);
    SimDisk disk;
    PutJournal(name, disk);
    Exchange exchange;
    absl::StatusOr<SnapshotHeader> header = absl::NotFoundError("none");
    const auto tail = Recover(disk, shard_folder, [&](CommandView command) {
      absl::Status status = Replay(command, exchange);
      if (exchange.sequence() != richest) return status;
      header = WriteSnapshot(disk, shard_folder.folder, kTestIdentity, exchange);
      return header.status();
    });
    ASSERT_TRUE(tail.ok()) << tail.status();
    std::unique_ptr<Exchange> again;
    const auto recovery = RecoverFromSnapshot(disk, shard_folder, again);
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    EXPECT_EQ(recovery->snapshot_sequence, richest);
    EXPECT_EQ(ToHex(recovery->digest), ToHex(exchange.StateDigest()));
    const char* folder = std::getenv("PEERWATT_WRITE_GOLDEN");
    if (folder == nullptr) continue;
    const std::vector<std::byte>& bytes = disk.Bytes("shard-0/" + SnapshotName(richest));
    std::ofstream(std::string(folder) + "/" + name + ".snap", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    std::cout << "    {\"" << name << "\", " << richest << ", \"" << ToHex(header->digest)
              << "\"},\n";
  }
}

}  // namespace
}  // namespace engine
