#include "engine/journal/journal_copy.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/format.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/snapshot_file.h"

namespace engine {
namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

// The first `bytes` of a file, or all where it is shorter. Ensures: how many there were.
absl::StatusOr<std::uint64_t> CopyFile(Disk& disk, const std::string& from, const std::string& to,
                                       std::uint64_t bytes) {
  absl::StatusOr<std::unique_ptr<File>> source = disk.OpenForReading(from);
  if (!source.ok()) return source.status();
  absl::StatusOr<std::unique_ptr<File>> copy = disk.Create(to);
  if (!copy.ok()) return copy.status();
  const AlignedBuffer buffer(kCopyBytes);
  std::uint64_t done = 0;
  while (done < bytes) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, bytes - done));
    const absl::StatusOr<std::size_t> read = (*source)->ReadAt(buffer.span().first(piece), done);
    if (!read.ok()) return read.status();
    if (*read == 0) break;
    if (absl::Status status = (*copy)->WriteAt(buffer.span().first(*read), done); !status.ok()) {
      return status;
    }
    done += *read;
  }
  if (absl::Status status = (*copy)->Sync(); !status.ok()) return status;
  return done;
}

absl::Status RemovedMeanwhile(const std::string& folder) {
  return absl::AbortedError(
      absl::StrCat(folder, ": the daemon has removed meanwhile what was to be copied: try again"));
}

absl::Status ReadThrough(SnapshotReader& snapshot) {
  while (!snapshot.Next().empty()) continue;
  return snapshot.Check();
}

// The oldest one that is whole and that the journal goes on from.
absl::Status CopySnapshot(Disk& disk, const ReadOptions& options, const JournalBeginning& beginning,
                          const std::string& to) {
  absl::StatusOr<std::vector<std::uint64_t>> sequences = ListSnapshots(disk, options.folder);
  if (!sequences.ok()) return sequences.status();
  std::ranges::reverse(*sequences);
  absl::Status wrong = absl::DataLossError(
      absl::StrCat(options.folder, ": the journal begins with sequence ", beginning.sequence,
                   ", since what was before was removed, and there is no snapshot to begin with"));
  for (const std::uint64_t sequence : *sequences) {
    if (sequence + 1 < beginning.sequence) continue;
    const auto snapshot = SnapshotReader::Open(disk, options.folder, sequence, *options.identity);
    wrong = snapshot.ok() ? ReadThrough(**snapshot) : snapshot.status();
    if (!wrong.ok()) continue;
    const std::string name = SnapshotName(sequence);
    wrong = CopyFile(disk, absl::StrCat(options.folder, "/", name), absl::StrCat(to, "/", name),
                     UINT64_MAX)
                .status();
    if (!absl::IsNotFound(wrong)) return wrong;
  }
  return absl::IsNotFound(wrong) ? RemovedMeanwhile(options.folder) : wrong;
}

// Of `from`, from that number on as far as `tail`. Ensures: their bytes.
absl::StatusOr<std::uint64_t> CopySegments(Disk& disk, const std::string& from,
                                           const JournalTail& tail, std::uint64_t segment,
                                           const std::string& to) {
  std::uint64_t copied = 0;
  for (bool last = false; !last; ++segment) {
    const std::string name = SegmentName(segment);
    const std::string path = absl::StrCat(from, "/", name);
    last = path == tail.last_file;
    const absl::StatusOr<std::uint64_t> bytes =
        CopyFile(disk, path, absl::StrCat(to, "/", name), last ? tail.last_end : UINT64_MAX);
    if (!bytes.ok()) return bytes.status();
    copied += *bytes;
  }
  return copied;
}

absl::StatusOr<CopiedJournal> CopyFrom(Disk& disk, ReadOptions options,
                                       const JournalBeginning& beginning, const std::string& to) {
  if (beginning.segment > 1) {
    absl::Status status = CopySnapshot(disk, options, beginning, to);
    if (status.ok()) status = WriteBeginning(disk, to, *options.identity, beginning);
    if (!status.ok()) return status;
  }
  options.from_sequence = beginning.sequence;
  const absl::StatusOr<JournalTail> tail =
      Recover(disk, options, [](CommandView) { return absl::OkStatus(); });
  if (!tail.ok()) return tail.status();
  CopiedJournal copied{.first_sequence = beginning.sequence, .next_sequence = tail->next_sequence};
  if (!tail->last_file.empty()) {  // Else none has begun: there is nothing to copy.
    const auto bytes = CopySegments(disk, options.folder, *tail, beginning.segment, to);
    if (!bytes.ok()) return bytes.status();
    copied.bytes = *bytes;
  }
  if (absl::Status status = disk.SyncFolder(to); !status.ok()) return status;
  return copied;
}

}  // namespace

absl::StatusOr<CopiedJournal> CopyJournal(Disk& disk, const ReadOptions& options,
                                          const std::string& to) {
  CHECK(options.from_sequence == 1 && options.identity.has_value());
  const auto beginning = ReadBeginning(disk, options.folder, options.identity);
  if (!beginning.ok()) return beginning.status();
  absl::StatusOr<CopiedJournal> copied = CopyFrom(disk, options, *beginning, to);
  if (copied.ok()) return copied;
  const auto now = ReadBeginning(disk, options.folder, options.identity);
  if (!now.ok() || *now == *beginning) return copied;
  return RemovedMeanwhile(options.folder);
}

}  // namespace engine
