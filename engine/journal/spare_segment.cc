#include "engine/journal/spare_segment.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/segment_reader.h"

namespace engine {

absl::StatusOr<std::optional<std::uint64_t>> FindSpare(Disk& disk, const std::string& path,
                                                       const JournalIdentity& identity,
                                                       std::uint64_t segment,
                                                       std::uint64_t first_sequence) {
  const std::optional<std::uint64_t> none;
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (absl::IsNotFound(file.status())) return none;
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> bytes = (*file)->Size();
  if (!bytes.ok()) return bytes.status();
  if (*bytes < kBlockBytes || *bytes % kBlockBytes != 0) return none;
  // Its own size, so that a copy that was cut behind its header is none.
  const AlignedBuffer begun(kBlockBytes);
  WriteSegmentHeader(identity, segment, first_sequence, *bytes, begun.span());
  SegmentReader reader(*std::move(file), *bytes);
  for (std::uint64_t offset = 0; offset < *bytes; offset += kBlockBytes) {
    const absl::StatusOr<std::span<const std::byte>> block = reader.View(offset, kBlockBytes);
    if (!block.ok()) return block.status();
    if (IsZero(*block)) continue;
    if (offset > 0 || !std::ranges::equal(*block, begun.span())) return none;
  }
  return std::optional(*bytes);
}

absl::StatusOr<bool> EndsAt(Disk& disk, const std::string& path, std::uint64_t bytes,
                            std::uint64_t end) {
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size != bytes) return false;
  if (absl::Status status = (*file)->Sync(); !status.ok()) return status;
  SegmentReader reader(*std::move(file), bytes);
  for (std::uint64_t offset = end; offset < bytes; offset += kBlockBytes) {
    const absl::StatusOr<std::span<const std::byte>> block = reader.View(offset, kBlockBytes);
    if (!block.ok()) return block.status();
    if (!IsZero(*block)) return false;
  }
  return true;
}

// A name whose sync has failed may never be on disk, though later ones succeed: only a change that
// is made anew is. Where a crash leaves it aside, the next start removes it as a half made one.
absl::Status NameAgain(Disk& disk, const std::string& folder, const std::string& path) {
  const std::string aside = absl::StrCat(path, kUnfinishedSuffix);
  if (absl::Status status = disk.Rename(path, aside); !status.ok()) return status;
  if (absl::Status status = disk.Rename(aside, path); !status.ok()) return status;
  return disk.SyncFolder(folder);
}

}  // namespace engine
