#include "engine/settlement/settlement.h"

namespace engine {

std::string_view FaultText(SettlementFault fault) {
  switch (fault) {
    case SettlementFault::kNone:
      return "none";
    case SettlementFault::kReadingOutOfRange:
      return "a reading is below zero or above 4,000,000,000 Wh";
    case SettlementFault::kTariffOutOfRange:
      return "a tariff is outside -1,000,000,000 to 1,000,000,000 ticks";
    case SettlementFault::kDuplicateAccount:
      return "an account is read twice in a slot";
    case SettlementFault::kTooMuch:
      return "the energy at these tariffs comes to amounts of more than 61 bits";
    case SettlementFault::kTariffsOutOfOrder:
      return "the rule needs 0 < export tariff < import tariff";
  }
  return "unknown";
}

}  // namespace engine
