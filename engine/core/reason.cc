#include "engine/core/reason.h"

#include <algorithm>
#include <array>

namespace engine {
namespace {

struct Named {
  Reason reason{};
  std::string_view name;
};

constexpr std::array<Named, 54> kNames = {{
    {Reason::kNone, "none"},
    {Reason::kMalformed, "malformed"},
    {Reason::kBusy, "busy"},
    {Reason::kThrottled, "throttled"},
    {Reason::kBadSide, "bad_side"},
    {Reason::kBadResponse, "bad_response"},
    {Reason::kBadTimeInForce, "bad_time_in_force"},
    {Reason::kReservedNotZero, "reserved_not_zero"},
    {Reason::kTooManyOrders, "too_many_orders"},
    {Reason::kNoOrders, "no_orders"},
    {Reason::kNotLoggedOn, "not_logged_on"},
    {Reason::kUnknownMessage, "unknown_message"},
    {Reason::kDiskFull, "disk_full"},
    {Reason::kEventsGone, "events_gone"},
    {Reason::kEventUnknown, "event_unknown"},
    {Reason::kSequenceTooOld, "sequence_too_old"},
    {Reason::kSequenceGap, "sequence_gap"},
    {Reason::kNotAuthorised, "not_authorised"},
    {Reason::kUnknownMarket, "unknown_market"},
    {Reason::kUnknownProduct, "unknown_product"},
    {Reason::kGateClosed, "gate_closed"},
    {Reason::kClearing, "clearing"},
    {Reason::kNotYourAccount, "not_your_account"},
    {Reason::kAccountNotInMarket, "account_not_in_market"},
    {Reason::kPriceOutsideBand, "price_outside_band"},
    {Reason::kEnergyZero, "energy_zero"},
    {Reason::kEnergyTooLarge, "energy_too_large"},
    {Reason::kDuplicateClientOrderId, "duplicate_client_order_id"},
    {Reason::kUnknownOrder, "unknown_order"},
    {Reason::kSelfTrade, "self_trade"},
    {Reason::kFrozen, "frozen"},
    {Reason::kBookFull, "book_full"},
    {Reason::kPartyOrderLimit, "party_order_limit"},
    {Reason::kMeteringPointLimit, "metering_point_limit"},
    {Reason::kShardFull, "shard_full"},
    {Reason::kSelfTradeCancelled, "self_trade_cancelled"},
    {Reason::kDisconnected, "disconnected"},
    {Reason::kBadDefinition, "bad_definition"},
    {Reason::kUnsupported, "unsupported"},
    {Reason::kBadResponseParam, "bad_response_param"},
    {Reason::kGridIsBetter, "grid_is_better"},
    {Reason::kEnergyTooSmall, "energy_too_small"},
    {Reason::kOneOrderASide, "one_order_a_side"},
    {Reason::kNotALot, "not_a_lot"},
    {Reason::kDeficitOverCap, "deficit_over_cap"},
    {Reason::kNotOneBuyer, "not_one_buyer"},
    {Reason::kNotOneSeller, "not_one_seller"},
    {Reason::kLotterySecretLost, "lottery_secret_lost"},
    {Reason::kMatching, "matching"},
    {Reason::kNotCalled, "not_called"},
    {Reason::kAnswerTooLate, "answer_too_late"},
    {Reason::kAnsweredAlready, "answered_already"},
    {Reason::kMoreThanRegistered, "more_than_registered"},
    {Reason::kDemandRises, "demand_rises"},
}};

}  // namespace

std::string_view ReasonName(Reason reason) {
  const auto* named = std::find_if(kNames.begin(), kNames.end(),
                                   [reason](const Named& each) { return each.reason == reason; });
  return named == kNames.end() ? "unknown" : named->name;
}

}  // namespace engine
