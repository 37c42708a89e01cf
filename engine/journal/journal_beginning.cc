#include "engine/journal/journal_beginning.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/hex.h"
#include "engine/core/limits.h"
#include "engine/journal/checked_text.h"
#include "engine/journal/numbered_files.h"

namespace engine {
namespace {

constexpr char kBeginningTitle[] = "peerwatt journal kept from, format ";
constexpr std::uint32_t kBeginningFormat = 1;

std::string BeginningText(const JournalIdentity& identity, const JournalBeginning& beginning) {
  const std::string text = absl::StrCat(
      kBeginningTitle, kBeginningFormat, "\ncluster_id ", ToHex(identity.cluster_id), "\nshard ",
      identity.shard, "\nsegment ", beginning.segment, "\nsequence ", beginning.sequence, "\n");
  return absl::StrCat(text, ChecksumLine(text));
}

absl::StatusOr<std::vector<std::uint64_t>> SegmentsBefore(Disk& disk, const std::string& folder,
                                                          const JournalBeginning& beginning) {
  absl::StatusOr<std::vector<std::uint64_t>> numbers = ListNumbers(disk, folder, SegmentNumber);
  if (numbers.ok()) {
    std::erase_if(*numbers, [&](std::uint64_t number) { return number >= beginning.segment; });
  }
  return numbers;
}

}  // namespace

absl::StatusOr<JournalBeginning> ReadBeginning(Disk& disk, const std::string& folder,
                                               const std::optional<JournalIdentity>& identity) {
  const std::string path = absl::StrCat(folder, "/", kBeginningFile);
  const absl::StatusOr<std::string> text = ReadSmallFile(disk, path);
  if (absl::IsNotFound(text.status())) return JournalBeginning();
  if (!text.ok()) return text.status();
  TextLines lines(*text);
  std::uint32_t format = 0;
  const bool has_format = lines.Read(kBeginningTitle, format);
  if (has_format && format != kBeginningFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": format ", format, ", but this program reads format ",
                     kBeginningFormat, ": run the program that wrote it"));
  }
  JournalIdentity whose;
  JournalBeginning beginning;
  const bool holds = has_format && lines.ReadBytes("cluster_id ", whose.cluster_id) &&
                     lines.Read("shard ", whose.shard) &&
                     lines.Read("segment ", beginning.segment) &&
                     lines.Read("sequence ", beginning.sequence) && beginning.segment > 1 &&
                     beginning.sequence > 0 && beginning.sequence <= kSequenceMax &&
                     BeginningText(whose, beginning) == *text;
  if (!holds) {
    return absl::DataLossError(absl::StrCat(
        path,
        ": the file that says where the journal begins is damaged: restore it from a copy of ",
        "this very state of the folder, or restore a backup"));
  }
  if (identity && whose != *identity) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": of another data directory or shard: put back the right file"));
  }
  return beginning;
}

absl::Status WriteBeginning(Disk& disk, const std::string& folder, const JournalIdentity& identity,
                            const JournalBeginning& beginning) {
  return WriteWholeFile(disk, absl::StrCat(folder, "/", kBeginningFile),
                        BeginningText(identity, beginning));
}

absl::Status RemoveSegmentsBefore(Disk& disk, const std::string& folder,
                                  const JournalBeginning& beginning) {
  const auto numbers = SegmentsBefore(disk, folder, beginning);
  if (!numbers.ok()) return numbers.status();
  if (numbers->empty()) return absl::OkStatus();
  for (const std::uint64_t number : *numbers) {
    absl::Status status = disk.Remove(absl::StrCat(folder, "/", SegmentName(number)));
    if (!status.ok()) return status;
  }
  return disk.SyncFolder(folder);
}

absl::Status RemoveLeftovers(Disk& disk, const std::string& folder, const JournalIdentity& identity,
                             const JournalBeginning& beginning) {
  const auto numbers = SegmentsBefore(disk, folder, beginning);
  if (!numbers.ok()) return numbers.status();
  if (numbers->empty()) return absl::OkStatus();
  absl::Status status = WriteBeginning(disk, folder, identity, beginning);
  return status.ok() ? RemoveSegmentsBefore(disk, folder, beginning) : status;
}

}  // namespace engine
