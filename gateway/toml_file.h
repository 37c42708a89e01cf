// A TOML file as a list of tables, with the line of everything, so that errors name the place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// monostate: a kind of value that no file of ours has: a float, a date, an array, a table.
using TomlValue = std::variant<std::monostate, std::int64_t, bool, std::string>;

struct TomlEntry {
  std::string key;
  TomlValue value;
  std::uint32_t line = 0;
};

// [name], or one [[name]] of an array; keys before the first table have the name "".
struct TomlTable {
  std::string name;
  bool in_array = false;
  std::uint32_t line = 0;
  std::vector<TomlEntry> entries;  // In the order of the lines.
};

// `file` is named in errors.
absl::StatusOr<std::vector<TomlTable>> ParseToml(std::string_view text, const std::string& file);

// "FILE:LINE: message".
absl::Status ErrorAt(const std::string& file, std::uint32_t line, std::string_view message);

// A whole number of a table, and what it may be.
struct IntegerRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
inline constexpr std::int64_t kU32 = UINT32_MAX;
absl::StatusOr<std::int64_t> IntegerIn(const TomlEntry& entry, IntegerRange range,
                                       const std::string& file);

// One of some words.
absl::StatusOr<std::size_t> WordOf(const TomlEntry& entry,
                                   const std::vector<std::string_view>& words,
                                   const std::string& file);

// The text of a file. Ensures: an error that names it.
absl::StatusOr<std::string> ReadText(const std::string& path);

}  // namespace gateway
