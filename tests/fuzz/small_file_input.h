// One input of the fuzzer of small files: any text, taken as the mark of where a journal begins, as
// a registered reader's file, or as a data directory's. Checksums keep a fuzzer out, so that a text
// may be put under a sound one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "engine/journal/checked_text.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/registered_readers.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr JournalIdentity kSmallFileIdentity{.cluster_id = {std::byte{7}}, .shard = 0};
inline constexpr char kSmallFileFolder[] = "data";
inline constexpr char kFuzzReaderFile[] = "data/reader-ledger.txt";

// The first byte of an input.
enum class SmallFile : std::uint8_t { kBeginning, kReader, kDirectory };
inline constexpr std::uint8_t kUnderASoundChecksum = 128;

inline void PutText(SimDisk& disk, const std::string& path, const std::string& text) {
  const auto file = disk.Create(path);
  CHECK(file.ok() && (*file)->WriteAt(std::as_bytes(std::span(text)), 0).ok());
}

inline std::string TextAt(SimDisk& disk, const std::string& path) {
  const std::vector<std::byte>& bytes = disk.Bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A refusal names the file, and says that it is damaged, or another's or a newer program's.
inline void CheckRefusal(const absl::Status& status, const std::string& path) {
  CHECK(absl::IsDataLoss(status) || absl::IsFailedPrecondition(status));
  CHECK(std::string_view(status.message().data(), status.message().size()).find(path) !=
        std::string_view::npos);
}

// What is taken is, written again, the same text: there is no second spelling. Each ensures:
// whether it is taken.
inline bool TakeBeginning(const std::string& text) {
  SimDisk disk;
  const std::string path = std::string(kSmallFileFolder) + "/" + kBeginningFile;
  PutText(disk, path, text);
  const auto beginning = ReadBeginning(disk, kSmallFileFolder, kSmallFileIdentity);
  const auto anyones = ReadBeginning(disk, kSmallFileFolder, std::nullopt);
  CHECK(anyones.ok() || !beginning.ok());
  if (!anyones.ok()) CheckRefusal(anyones.status(), path);
  if (!beginning.ok()) {
    CheckRefusal(beginning.status(), path);
    return false;
  }
  CHECK(*beginning == *anyones && beginning->segment > 1);
  CHECK(beginning->sequence > 0 && beginning->sequence <= kSequenceMax);
  CHECK(WriteBeginning(disk, kSmallFileFolder, kSmallFileIdentity, *beginning).ok());
  CHECK(TextAt(disk, path) == text);
  return true;
}

inline bool TakeReader(const std::string& text) {
  SimDisk disk;
  PutText(disk, kFuzzReaderFile, text);
  const auto readers = ListReaders(disk, kSmallFileFolder);
  if (!readers.ok()) {
    CHECK(absl::IsDataLoss(readers.status()));
    CheckRefusal(readers.status(), kFuzzReaderFile);
    return false;
  }
  CHECK(readers->size() == 1 && readers->front().name == "ledger");
  CHECK(readers->front().passed <= kSequenceMax);
  CHECK(WriteReader(disk, kSmallFileFolder, readers->front()).ok());
  CHECK(TextAt(disk, kFuzzReaderFile) == text);
  return true;
}

inline bool TakeDirectory(const std::string& text) {
  SimDisk disk;
  const std::string path = std::string(kSmallFileFolder) + "/peerwatt.cluster";
  PutText(disk, path, text);
  const auto cluster = DataDirectory::Read(disk, kSmallFileFolder);
  if (!cluster.ok()) {
    CheckRefusal(cluster.status(), path);
    return false;
  }
  CHECK(cluster->shard_count >= 1 && cluster->shard_count <= kShardCountMax);
  CHECK(cluster->clock_factor >= 1);
  return true;
}

// Ensures: whether it is taken.
inline bool IsTaken(std::span<const std::uint8_t> input) {
  if (input.empty()) return false;
  const auto kind = static_cast<SmallFile>((input[0] & ~kUnderASoundChecksum) % 3);
  std::string text(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
  if ((input[0] & kUnderASoundChecksum) != 0) text += ChecksumLine(text);
  switch (kind) {
    case SmallFile::kBeginning:
      return TakeBeginning(text);
    case SmallFile::kReader:
      return TakeReader(text);
    default:
      return TakeDirectory(text);
  }
}

inline void TakeSmallFile(std::span<const std::uint8_t> input) { IsTaken(input); }

}  // namespace engine
