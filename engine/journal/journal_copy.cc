#include "engine/journal/journal_copy.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/format.h"
#include "engine/journal/numbered_files.h"

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

}  // namespace

absl::StatusOr<CopiedJournal> CopyJournal(Disk& disk, const ReadOptions& options,
                                          const std::string& to) {
  CHECK(options.from_sequence == 1);
  const absl::StatusOr<JournalTail> tail =
      Recover(disk, options, [](CommandView) { return absl::OkStatus(); });
  if (!tail.ok()) return tail.status();
  const absl::StatusOr<std::vector<std::uint64_t>> segments =
      ListNumbers(disk, options.folder, SegmentNumber);
  if (!segments.ok()) return segments.status();
  CopiedJournal copied{.next_sequence = tail->next_sequence};
  // None has begun: there is nothing to copy.
  for (std::size_t i = 0; !tail->last_file.empty() && i < segments->size(); ++i) {
    const std::string name = SegmentName((*segments)[i]);
    const std::string from = absl::StrCat(options.folder, "/", name);
    const bool last = from == tail->last_file;
    const absl::StatusOr<std::uint64_t> bytes =
        CopyFile(disk, from, absl::StrCat(to, "/", name), last ? tail->last_end : UINT64_MAX);
    if (!bytes.ok()) return bytes.status();
    copied.bytes += *bytes;
    if (last) break;
  }
  if (absl::Status status = disk.SyncFolder(to); !status.ok()) return status;
  return copied;
}

}  // namespace engine
