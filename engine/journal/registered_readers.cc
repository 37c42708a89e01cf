#include "engine/journal/registered_readers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "engine/journal/checked_text.h"
#include "engine/journal/format.h"

namespace engine {
namespace {

constexpr std::string_view kReaderPrefix = "reader-";
constexpr std::string_view kReaderSuffix = ".txt";
constexpr std::size_t kReaderNameMax = 32;

std::string ReaderPath(const std::string& folder, std::string_view name) {
  std::string path = folder;
  path.append("/").append(kReaderPrefix).append(name).append(kReaderSuffix);
  return path;
}

std::string ReaderText(const RegisteredReader& reader) {
  const std::string text = absl::StrCat("reader ", reader.name, "\npassed ", reader.passed, "\n");
  return absl::StrCat(text, ChecksumLine(text));
}

absl::StatusOr<RegisteredReader> ReadReader(Disk& disk, const std::string& folder,
                                            const std::string& file) {
  const std::string path = absl::StrCat(folder, "/", file);
  const absl::StatusOr<std::string> text = ReadSmallFile(disk, path);
  if (!text.ok()) return text.status();
  TextLines lines(*text);
  const auto name = lines.Value("reader ");
  RegisteredReader reader{.name = std::string(name.value_or("")), .passed = 0};
  const bool holds = IsReaderName(reader.name) && lines.Read("passed ", reader.passed) &&
                     reader.passed <= kSequenceMax && ReaderText(reader) == *text &&
                     ReaderPath(folder, reader.name) == path;
  if (holds) return reader;
  return absl::DataLossError(
      absl::StrCat(path, ": no registered reader's file, or a damaged one: remove it, then ",
                   "register the reader anew where it is still in use"));
}

}  // namespace

bool IsReaderName(std::string_view name) {
  return !name.empty() && name.size() <= kReaderNameMax && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string ReadersLock(const std::string& folder) { return absl::StrCat(folder, "/readers.lock"); }

std::string CopyLock(const std::string& folder) { return absl::StrCat(folder, "/copy.lock"); }

absl::StatusOr<std::vector<RegisteredReader>> ListReaders(Disk& disk, const std::string& folder) {
  absl::StatusOr<std::vector<std::string>> names = disk.List(folder);
  if (!names.ok()) return names.status();
  std::ranges::sort(*names);
  std::vector<RegisteredReader> readers;
  for (const std::string& name : *names) {
    if (!name.starts_with(kReaderPrefix) || name.ends_with(kUnfinishedSuffix)) continue;
    absl::StatusOr<RegisteredReader> reader = ReadReader(disk, folder, name);
    if (absl::IsNotFound(reader.status())) continue;  // Removed this moment.
    if (!reader.ok()) return reader.status();
    readers.push_back(*std::move(reader));
  }
  return readers;
}

absl::Status WriteReader(Disk& disk, const std::string& folder, const RegisteredReader& reader) {
  CHECK(IsReaderName(reader.name));
  return WriteWholeFile(disk, ReaderPath(folder, reader.name), ReaderText(reader));
}

absl::Status RemoveReader(Disk& disk, const std::string& folder, const std::string& name) {
  if (absl::Status status = disk.Remove(ReaderPath(folder, name)); !status.ok()) return status;
  return disk.SyncFolder(folder);
}

}  // namespace engine
