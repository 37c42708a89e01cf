// What is wrong with a journal's file, and where: for the reader's sources alone.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace engine {

inline constexpr char kNewerJournal[] =
    ", but this program reads version 1: run the program that wrote it";

inline absl::Status ErrorAt(absl::StatusCode code, const std::string& path, std::uint64_t offset,
                            const std::string& text) {
  return absl::Status(code, absl::StrCat(path, ", byte ", offset, ": ", text));
}

inline absl::Status LostAt(const std::string& path, std::uint64_t offset, const std::string& text) {
  return ErrorAt(absl::StatusCode::kDataLoss, path, offset,
                 absl::StrCat(text, ". Acknowledged records may be lost: leave the files as they ",
                              "are and restore this one from a backup."));
}

}  // namespace engine
