#include "engine/journal/checked_text.h"

#include <memory>

#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "engine/core/hex.h"
#include "engine/journal/format.h"

namespace engine {
namespace {

constexpr std::size_t kFileBytesMax = 4'096;

}  // namespace

absl::Status WriteWholeFile(Disk& disk, const std::string& path, const std::string& text) {
  const std::string aside = absl::StrCat(path, kUnfinishedSuffix);
  absl::StatusOr<std::unique_ptr<File>> created = disk.Create(aside);
  if (!created.ok()) return created.status();
  if (absl::Status status = (*created)->WriteAt(std::as_bytes(std::span(text)), 0); !status.ok()) {
    return status;
  }
  if (absl::Status status = (*created)->Sync(); !status.ok()) return status;
  if (absl::Status status = disk.Rename(aside, path); !status.ok()) return status;
  return disk.SyncFolder(path.substr(0, path.rfind('/')));
}

absl::StatusOr<std::string> ReadSmallFile(Disk& disk, const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (!file.ok()) return file.status();
  std::string text(kFileBytesMax, '\0');
  const absl::StatusOr<std::size_t> size =
      (*file)->ReadAt(std::as_writable_bytes(std::span(text)), 0);
  if (!size.ok()) return size.status();
  text.resize(*size);
  return text;
}

std::string ChecksumLine(std::string_view text) {
  return absl::StrCat("checksum ",
                      absl::Hex(XXH3_64bits(text.data(), text.size()), absl::kZeroPad16), "\n");
}

std::optional<std::string_view> TextLines::Value(std::string_view key) {
  const std::size_t end = text_.find('\n');
  if (end == std::string_view::npos || !text_.starts_with(key)) return std::nullopt;
  const std::string_view value = text_.substr(key.size(), end - key.size());
  text_.remove_prefix(end + 1);
  return value;
}

bool TextLines::ReadBytes(std::string_view key, std::span<std::byte> bytes) {
  const std::optional<std::string_view> value = Value(key);
  return value && FromHex(*value, bytes);
}

}  // namespace engine
