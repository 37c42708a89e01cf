#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/fuzz/mutations.h"
#include "tests/fuzz/small_file_input.h"

namespace engine {
namespace {

struct Whole {
  SmallFile kind{};
  std::string text;  // Without its checksum.
};

const Whole whole_files[] = {
    {SmallFile::kBeginning,
     "peerwatt journal kept from, format 1\ncluster_id 07000000000000000000000000000000\nshard 0\n"
     "segment 5\nsequence 1234\n"},
    {SmallFile::kReader, "reader ledger\npassed 1234\n"},
    {SmallFile::kReader, "reader ledger\npassed 0\n"},
    {SmallFile::kDirectory,
     "peerwatt data directory, format 1\ncluster_id 07000000000000000000000000000000\n"
     "shard_count 1\nclock_origin_ns -5\nclock_wall_ns 7\nclock_factor 60\n"},
};

fuzz::Bytes InputOfFile(const Whole& file, bool has_its_own_checksum) {
  const auto kind = static_cast<std::uint8_t>(file.kind);
  const std::string text = has_its_own_checksum ? file.text + ChecksumLine(file.text) : file.text;
  fuzz::Bytes input = fuzz::BytesOf(text);
  const int first = has_its_own_checksum ? kind : kind | kUnderASoundChecksum;
  input.insert(input.begin(), static_cast<std::byte>(first));
  return input;
}

// Else mutants of them would say little.
TEST(SmallFileFuzz, TakesWhatIsWhole) {
  for (const Whole& file : whole_files) {
    for (const bool has_its_own_checksum : {false, true}) {
      EXPECT_TRUE(IsTaken(fuzz::InputOf(InputOfFile(file, has_its_own_checksum)))) << file.text;
    }
  }
}

TEST(SmallFileFuzz, SurvivesMutatedFiles) {
  for (const Whole& file : whole_files) {
    for (const bool has_its_own_checksum : {false, true}) {
      fuzz::TakeMutants("small_file", InputOfFile(file, has_its_own_checksum),
                        Repeats(kSanitized ? 1'000 : 10'000, 500'000), TakeSmallFile);
    }
  }
}

}  // namespace
}  // namespace engine
