#include "gateway/toml_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

// What the library asserts of itself does not hold for some files: `[[[a]]]`, say. A file of an
// operator ends no process.
namespace gateway {
namespace {
struct BrokenAssertion {};
[[noreturn]] void BreakAssertion() { throw BrokenAssertion(); }
}  // namespace
}  // namespace gateway
// With NDEBUG the library would take what it asserts for granted, and not ask.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#undef TOML_ASSERT
#define TOML_ASSERT(holds) ((holds) ? static_cast<void>(0) : gateway::BreakAssertion())

// Errors come as values. With exceptions off the library can only be used from its headers.
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/absl_view.h"

namespace gateway {
namespace {

TomlValue ValueOf(const toml::node& node) {
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* text = node.as_string()) return text->get();
  return std::monostate{};
}

TomlTable TableOf(const std::string& name, const toml::table& table, bool in_array) {
  TomlTable result{
      .name = name, .in_array = in_array, .line = table.source().begin.line, .entries = {}};
  for (const auto& [key, node] : table) {
    result.entries.push_back(
        {.key = std::string(key.str()), .value = ValueOf(node), .line = key.source().begin.line});
  }
  std::sort(result.entries.begin(), result.entries.end(),
            [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return result;
}

// Adds the tables that stand under one key of the file, or the key itself where it is loose.
void AddNode(const toml::key& key, const toml::node& node, std::vector<TomlTable>& tables,
             TomlTable& loose) {
  const std::string name(key.str());
  if (const auto* table = node.as_table()) {
    tables.push_back(TableOf(name, *table, false));
    return;
  }
  if (!node.is_array_of_tables()) {
    loose.entries.push_back({.key = name, .value = ValueOf(node), .line = key.source().begin.line});
    return;
  }
  for (const auto& element : *node.as_array()) {
    tables.push_back(TableOf(name, *element.as_table(), true));
  }
}

// Where the library does not get past its own assertions: the line up to which it does not.
absl::Status BrokenParse(std::string_view text, const std::string& file) {
  std::uint32_t line = 0;
  try {
    for (std::size_t end = 0; end < text.size();) {
      ++line;
      end = std::min(text.find('\n', end), text.size() - 1) + 1;
      static_cast<void>(toml::parse(text.substr(0, end), file));
    }
  } catch (const BrokenAssertion&) {
    return ErrorAt(file, line, "this is no TOML");
  }
  return ErrorAt(file, line, "this is no TOML, here or before");
}

}  // namespace

absl::Status ErrorAt(const std::string& file, std::uint32_t line, std::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(file, ":", line, ": ", Absl(message)));
}

absl::StatusOr<std::vector<TomlTable>> ParseToml(std::string_view text,
                                                 const std::string& file) try {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return ErrorAt(file, parsed.error().source().begin.line, parsed.error().description());
  }
  std::vector<TomlTable> tables;
  TomlTable loose;
  for (const auto& [key, node] : parsed.table()) AddNode(key, node, tables, loose);
  if (!loose.entries.empty()) tables.push_back(std::move(loose));
  std::sort(tables.begin(), tables.end(),
            [](const TomlTable& a, const TomlTable& b) { return a.line < b.line; });
  return tables;
} catch (const BrokenAssertion&) {
  return BrokenParse(text, file);
}

absl::StatusOr<std::int64_t> IntegerIn(const TomlEntry& entry, IntegerRange range,
                                       const std::string& file) {
  const auto* number = std::get_if<std::int64_t>(&entry.value);
  if (number != nullptr && *number >= range.low && *number <= range.high) return *number;
  return ErrorAt(file, entry.line,
                 absl::StrCat(entry.key, number != nullptr ? absl::StrCat(" = ", *number) : "",
                              ": allowed is a whole number from ", range.low, " to ", range.high));
}

absl::StatusOr<std::size_t> WordOf(const TomlEntry& entry,
                                   const std::vector<std::string_view>& words,
                                   const std::string& file) {
  const auto* text = std::get_if<std::string>(&entry.value);
  const auto found = text == nullptr ? words.end() : std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string allowed;
  for (const std::string_view word : words) {
    absl::StrAppend(&allowed, allowed.empty() ? "\"" : ", \"", Absl(word), "\"");
  }
  return ErrorAt(file, entry.line,
                 absl::StrCat(entry.key, text != nullptr ? absl::StrCat(" = \"", *text, "\"") : "",
                              ": allowed is ", allowed));
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  const std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::ostringstream text;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a folder, not a file"));
  }
  text << in.rdbuf();
  if (!in || text.bad()) return absl::UnavailableError(absl::StrCat(path, ": cannot be read"));
  return text.str();
}

}  // namespace gateway
