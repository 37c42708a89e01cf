// Small files of a few lines: written whole or not at all, the last line a checksum.
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"

namespace engine {

// Ensures: the file is on disk with its name; after an error or a crash it is the old one or this.
absl::Status WriteWholeFile(Disk& disk, const std::string& path, const std::string& text);

// What the file holds, 4,096 bytes of it at most; NotFound where there is none.
absl::StatusOr<std::string> ReadSmallFile(Disk& disk, const std::string& path);

// "checksum <16 hex digits>\n" of the lines before.
std::string ChecksumLine(std::string_view text);

// Takes the lines of a file apart, in their order.
class TextLines {
 public:
  explicit TextLines(std::string_view text) : text_(text) {}

  // The value of the next line, which must begin with `key`.
  std::optional<std::string_view> Value(std::string_view key);
  bool ReadBytes(std::string_view key, std::span<std::byte> bytes);  // In hex.

  template <typename Number>
  bool Read(std::string_view key, Number& number) {
    const std::optional<std::string_view> value = Value(key);
    if (!value) return false;
    const char* end = value->data() + value->size();
    const auto result = std::from_chars(value->data(), end, number);
    return result.ec == std::errc() && result.ptr == end;
  }

 private:
  std::string_view text_;
};

}  // namespace engine
