// Why something was refused: numbers that controllers, journals and statements keep for ever.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine {

// Numbers are permanent: new ones are added, none is reused. 1-99 are found before the exchange
// decides anything, consume no client sequence number and are not in the journal; 100 and up are
// decided by the exchange.
enum class Reason : std::uint16_t {
  kNone = 0,  // Accepted.

  kMalformed = 1,        // The frame is not a valid message of its type.
  kBusy = 2,             // A ring or buffer is full: send the same frame again later.
  kThrottled = 3,        // Over the credential's rate: send the same frame again later.
  kBadSide = 4,          // side is neither 0 (buy) nor 1 (sell).
  kBadResponse = 5,      // response is not one that this version knows.
  kBadTimeInForce = 6,   // time_in_force is not one that this version knows.
  kReservedNotZero = 7,  // A field that this version does not use is not zero.
  kTooManyOrders = 8,    // More orders in one frame than allowed.
  kNoOrders = 9,         // A frame without an order.
  kNotLoggedOn = 10,     // The first message must be a Logon.
  kUnknownMessage = 11,  // A message type or version that this daemon does not know.
  kDiskFull = 12,        // No space for new orders: send the same frame again later.
  kEventsGone = 13,      // Of a logon: events from next_event on are no longer kept.
  kEventUnknown = 14,    // Of a logon: next_event is beyond what was ever told.

  kSequenceTooOld = 100,  // A resend of a command whose answer is no longer kept.
  kSequenceGap = 101,     // client_seq skips; the answer says the one expected.
  kNotAuthorised = 102,   // The credential lacks the right, is unknown or the token is wrong.
  kUnknownMarket = 103,
  kUnknownProduct = 104,  // Never opened, not open yet, or already over.
  kGateClosed = 105,      // Received at or after the gate.
  kClearing = 106,        // The book is being cleared; the next round takes the order.
  kNotYourAccount = 107,  // The account does not exist or is not the credential's.
  kAccountNotInMarket = 108,
  kPriceOutsideBand = 109,
  kEnergyZero = 110,
  kEnergyTooLarge = 111,  // Over the market's maximum for an order.
  kDuplicateClientOrderId = 112,
  kUnknownOrder = 113,  // No open order with this id in this account and product.
  kSelfTrade = 114,     // Would cross an order of the same party.
  kFrozen = 115,        // In the freeze a bid only rises and an ask only falls; none leaves.
  kBookFull = 116,
  kPartyOrderLimit = 117,     // The party has used its number of orders in this book.
  kMeteringPointLimit = 118,  // More energy than the grid connection can carry in the slot.
  kShardFull = 119,           // The shard's memory for orders is used up.
  kSelfTradeCancelled = 120,  // An older order that a newer one of the same party displaced.
  kDisconnected = 121,        // Cancelled because the session ended and asked for it.
  kBadDefinition = 122,     // An administrative command that names what is not there or impossible.
  kUnsupported = 123,       // Known to the wire, not to the market's rule.
  kBadResponseParam = 124,  // The response has no such parameter: zero, or of a seller.
  kGridIsBetter = 125,      // A price at or beyond a grid tariff: the grid is the better partner.
  kEnergyTooSmall = 126,    // Under the market's minimum for an order.
  kOneOrderASide = 127,     // The market's rule takes one order of a party on each side, or in all.
  kNotALot = 128,           // The market's rule takes orders of one lot each.
  // Of rounds, not of orders: why nothing trades.
  kDeficitOverCap = 129,     // The operator would owe more than the market allows.
  kNotOneBuyer = 130,        // The rule has exactly one bid,
  kNotOneSeller = 131,       // or exactly one ask.
  kLotterySecretLost = 132,  // The round is void: nobody has the secret that was announced.

  kMatching = 135,  // More trades are being made in this book than one command does: send again.

  // Of answers to a price that was called.
  kNotCalled = 140,           // No price of such a step was called for this order.
  kAnswerTooLate = 141,       // The step is over.
  kAnsweredAlready = 142,     // The first answer to a price counts.
  kMoreThanRegistered = 143,  // More than the order's energy.
  kDemandRises = 144,         // More at a higher price than at a lower one.
};

// The name without its k, in snake_case: stable text for logs and files.
std::string_view ReasonName(Reason reason);

}  // namespace engine
