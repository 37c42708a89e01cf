#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/mutations.h"
#include "tests/fuzz/outbox_input.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

void AppendPiece(OutboxPiece::Kind kind, std::uint8_t how, std::span<const std::byte> bytes,
                 fuzz::Bytes& input) {
  const OutboxPiece piece{.kind = static_cast<std::uint8_t>(kind),
                          .how = how,
                          .bytes = static_cast<std::uint16_t>(bytes.size())};
  const auto head = std::as_bytes(std::span(&piece, 1));
  input.insert(input.end(), head.begin(), head.end());
  input.insert(input.end(), bytes.begin(), bytes.end());
}

// The files of a disk as pieces under sound checksums.
fuzz::Bytes PiecesOf(SimDisk& disk) {
  fuzz::Bytes input;
  std::uint64_t number = 0;
  for (const auto& [path, content] : disk.names()) {
    const std::span<const std::byte> bytes(content->now);
    AppendPiece(OutboxPiece::Kind::kFile, OutboxPiece::kIsSealed | OutboxPiece::kHasItsPrevious,
                bytes.first(sizeof(OutboxFileHeader)), input);
    const std::uint64_t seed = BlockSeed(FuzzOutbox().identity, ++number);
    for (std::size_t at = sizeof(OutboxFileHeader); at < bytes.size();) {
      EventBlockHeader header;
      const auto block = BlockAt(seed, bytes.subspan(at), header);
      EXPECT_FALSE(block.empty()) << path;
      if (block.empty()) return input;
      AppendPiece(OutboxPiece::Kind::kBlock, 0, block, input);
      at += block.size();
    }
  }
  return input;
}

// Some starts, and what each of them told.
void TellSome(RandomSource& random, SimDisk& disk) {
  ToldStream stream(random.Next());
  for (std::uint64_t starts = 1 + random.Below(3); starts > 0; --starts) {
    const auto store = OpenStore(disk, FuzzOutbox());
    CHECK(store->GoOn().ok());  // A file, also where nothing is told.
    stream.TellNext(1 + random.Below(12), *store);
  }
}

// That the check tells what it is given and what it is not.
TEST(OutboxFuzz, PiecesOfFilesAreTheFiles) {
  RandomSource random(1);
  SimDisk disk;
  TellSome(random, disk);
  SimDisk again;
  OutboxFiles(again).Write(PiecesOf(disk));
  ASSERT_EQ(again.names().size(), disk.names().size());
  for (const auto& [path, content] : disk.names()) EXPECT_EQ(again.Bytes(path), content->now);
  const RecordedEvents recorded(disk);
  EXPECT_GT(AllOf(*OpenStore(again, FuzzOutbox()), recorded).size(), 1u);
}

// A failure under a sanitizer repeats with the seed that was printed last.
TEST(OutboxFuzz, SurvivesMutatedFiles) {
  for (std::uint64_t seed = 0; seed < Repeats(kSanitized ? 800 : 8'000, 300'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    SimDisk disk;
    TellSome(random, disk);
    fuzz::Bytes input = PiecesOf(disk);
    if (seed < 20) fuzz::KeepSeed("outbox", input);
    fuzz::Mutate(input, random);
    TakeOutbox(fuzz::InputOf(input));
  }
}

}  // namespace
}  // namespace engine
