#include "engine/core/clearing/column_scan.h"

#include <cstddef>

namespace engine {
namespace {

using LevelColumn = std::span<const std::uint16_t>;
using EnergyColumn = std::span<const std::uint32_t>;
using FilledColumn = std::span<std::uint32_t>;

// The loops are written once; each compiler's vectoriser does with them what the registers allow.
[[gnu::always_inline]] inline bool HasLevelLoop(LevelColumn levels, std::uint16_t level) {
  std::uint16_t has = 0;
  for (const std::uint16_t one : levels) {
    has = static_cast<std::uint16_t>(has | (one == level ? 1 : 0));
  }
  return has != 0;
}

[[gnu::always_inline]] inline void FillAboveLoop(LevelColumn levels, std::uint16_t level,
                                                 EnergyColumn open_wh, FilledColumn filled_wh) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    filled_wh[i] = levels[i] > level ? open_wh[i] : 0;
  }
}

[[gnu::always_inline]] inline void FillBelowLoop(LevelColumn levels, std::uint16_t level,
                                                 EnergyColumn open_wh, FilledColumn filled_wh) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    filled_wh[i] = levels[i] < level ? open_wh[i] : 0;
  }
}

#if defined(__x86_64__)
#define PEERWATT_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl")]]

PEERWATT_AVX512 bool HasLevelWide(LevelColumn levels, std::uint16_t level) {
  return HasLevelLoop(levels, level);
}
PEERWATT_AVX512 void FillAboveWide(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
                                   FilledColumn filled_wh) {
  FillAboveLoop(levels, level, open_wh, filled_wh);
}
PEERWATT_AVX512 void FillBelowWide(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
                                   FilledColumn filled_wh) {
  FillBelowLoop(levels, level, open_wh, filled_wh);
}
#endif

}  // namespace

bool ScansWithAvx512() {
#if defined(__x86_64__)
  static const bool has =
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  return has;
#else
  return false;
#endif
}

bool PortableScan::HasLevel(LevelColumn levels, std::uint16_t level) {
  return HasLevelLoop(levels, level);
}
void PortableScan::FillAbove(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
                             FilledColumn filled_wh) {
  FillAboveLoop(levels, level, open_wh, filled_wh);
}
void PortableScan::FillBelow(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
                             FilledColumn filled_wh) {
  FillBelowLoop(levels, level, open_wh, filled_wh);
}

bool HasLevel(LevelColumn levels, std::uint16_t level) {
#if defined(__x86_64__)
  if (ScansWithAvx512()) return HasLevelWide(levels, level);
#endif
  return PortableScan::HasLevel(levels, level);
}
void FillAbove(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
               FilledColumn filled_wh) {
#if defined(__x86_64__)
  if (ScansWithAvx512()) return FillAboveWide(levels, level, open_wh, filled_wh);
#endif
  PortableScan::FillAbove(levels, level, open_wh, filled_wh);
}
void FillBelow(LevelColumn levels, std::uint16_t level, EnergyColumn open_wh,
               FilledColumn filled_wh) {
#if defined(__x86_64__)
  if (ScansWithAvx512()) return FillBelowWide(levels, level, open_wh, filled_wh);
#endif
  PortableScan::FillBelow(levels, level, open_wh, filled_wh);
}

}  // namespace engine
