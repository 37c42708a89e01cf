// The three files of a NEM day, in memory, in the exchange's units but for the price.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "tools/feed/nem_import.h"

namespace tools {

inline constexpr int kNemDecimals = 6;
inline constexpr std::int64_t kNemUnit =
    1'000'000;  // A microwatt of MW and a millionth of AUD/MWh.

struct NemBand {
  std::uint32_t participant = 0;  // Index in NemTables::participants.
  std::uint32_t start_minute = 0;
  engine::Side side{};
  std::uint32_t band = 0;
  std::int64_t price = 0;  // Millionths of an AUD/MWh.
  std::int64_t watts = 0;
  std::int64_t offered_s = 0;  // UTC seconds.
};

struct NemDemand {
  std::uint32_t participant = 0;
  std::uint32_t start_minute = 0;
  std::int64_t watts = 0;
};

struct NemTables {
  std::vector<std::string> participants;  // DUIDs, then regions.
  std::vector<NemBand> bands;             // Of a unit, slot and side together.
  std::vector<NemDemand> demand;
  // What each unit could make or take in each slot: participant * 2^32 + start_minute to watts.
  absl::flat_hash_map<std::uint64_t, std::int64_t> available_watts;

  static std::uint64_t Key(std::uint32_t participant, std::uint32_t start_minute) {
    return (std::uint64_t{participant} << 32) | start_minute;
  }
};

absl::StatusOr<NemTables> ReadNemTables(const NemImportOptions& options);

}  // namespace tools
