// What a settlement rule takes and gives: a period's readings and two tariffs; postings and prices.
//
// A settlement rule is a pure function, beside the round rules and not among them: it needs energy
// that was metered, not energy that was bid. All its arithmetic is exact; what is a fraction of a
// ledger unit is rounded once, at the end, by largest remainder.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/core/clearing/wide.h"
#include "engine/core/ids.h"
#include "engine/core/units.h"

namespace engine {

// One home's meters over one slot: 0 to kReadingMaxWh each. What it used of its own is in both.
struct Reading {
  AccountId account{};
  WattHours load{};
  WattHours pv{};
};

// The readings of all homes of a community over one slot, each account once. The order is that of
// precedence: of two homes that are equally near to an odd unit the earlier gets it.
using SlotReadings = std::span<const Reading>;

// What the grid takes for a watt-hour, and what it pays; of either sign.
struct GridTariffs {
  PriceTicks import_price{};
  PriceTicks export_price{};
};

// What an account owes for the period, and its energy apart from what it used of its own. The long
// side of each slot trades inside the community in proportion to its net energy, in whole
// watt-hours by largest remainder, ties to the earlier; that says where energy went and moves no
// money.
struct Posting {
  AccountId account{};
  LedgerUnits amount{};  // Above zero: it pays; below: it is paid.
  WattHours bought{};    // Inside the community,
  WattHours sold{};
  WattHours from_grid{};  // and what was left.
  WattHours to_grid{};
};

// Ticks as a fraction in lowest terms; divisor 0: the period has no such price.
struct ExactPrice {
  bool negative = false;
  Wide ticks = 0;
  Wide divisor = 0;

  friend bool operator==(const ExactPrice&, const ExactPrice&) = default;
};

// Why nothing was settled.
enum class SettlementFault : std::uint8_t {
  kNone = 0,
  kReadingOutOfRange,
  kTariffOutOfRange,
  kDuplicateAccount,
  kTooMuch,            // All load and PV, in Wh, times the larger tariff is above 61 bits.
  kTariffsOutOfOrder,  // The rule needs 0 < export < import.
};
std::string_view FaultText(SettlementFault fault);

// Ensures: amounts - operator_gain = grid_cost, to the ledger unit.
struct Settlement {
  SettlementFault fault = SettlementFault::kNone;  // Where there is one, nothing else is set.
  ExactPrice buy{};
  ExactPrice sell{};
  LedgerUnits grid_cost{};          // What the community owes the grid; below zero: is owed.
  LedgerUnits operator_gain{};      // What the operator keeps; below zero: pays in.
  std::vector<Posting> postings{};  // By precedence; one for each account that was read.
};

}  // namespace engine
