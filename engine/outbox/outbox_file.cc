#include "engine/outbox/outbox_file.h"

#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

// Ensures: an error where the file is whole and not ours; false where it is not whole.
absl::StatusOr<bool> CheckHeader(const OutboxFileHeader& header, const JournalIdentity& identity,
                                 const std::string& path) {
  if (!IsFileHeader(header)) return false;
  if (header.format_version != kOutboxFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": format ", header.format_version, ", but this program reads format ",
                     kOutboxFormatVersion, ": run the program that wrote it"));
  }
  if (header.cluster_id == identity.cluster_id && header.shard == identity.shard) return true;
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": of another data directory or shard: remove it"));
}

}  // namespace

absl::StatusOr<OutboxFile> ReadOutboxFile(Disk& disk, const std::string& folder,
                                          std::uint64_t number, const JournalIdentity& identity) {
  const std::string path = absl::StrCat(folder, "/", OutboxFileName(number));
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  OutboxFile found;
  found.number = number;
  found.bytes.resize(static_cast<std::size_t>(*size));
  const absl::StatusOr<std::size_t> read = (*file)->ReadAt(found.bytes, 0);
  if (!read.ok()) return read.status();
  found.bytes.resize(*read);
  if (found.bytes.size() < sizeof(found.header)) return found;
  std::memcpy(&found.header, found.bytes.data(), sizeof(found.header));
  const absl::StatusOr<bool> is_whole = CheckHeader(found.header, identity, path);
  if (!is_whole.ok()) return is_whole.status();
  found.has_header =
      *is_whole && found.header.file == number && found.header.covered <= kSequenceMax;
  return found;
}

}  // namespace engine
