// Every bound of the exchange in one place, tied together so that no accepted input can overflow.
#pragma once

#include <cstdint>

namespace engine {

inline constexpr std::int64_t kOrderEnergyMaxWh = 4'000'000'000;  // 4 GWh; the wire field is u32.
inline constexpr std::int64_t kPriceTicksMax = 1'000'000'000;     // Either sign.
inline constexpr std::uint32_t kBandLevelsMax = 65'536;           // Levels of one market's band.
inline constexpr std::uint32_t kBookOrdersMax = 1u << 26;         // Orders in one round of a book.
inline constexpr std::uint32_t kFrameOrdersMax = 1'022;           // Orders in one client frame.
inline constexpr std::uint32_t kCommandBytesMax = 65'536;         // One record, header included.
inline constexpr std::uint32_t kPartyOrdersMax = 4'096;  // Of one party in one round of a book.
inline constexpr std::uint32_t kAnswersKept = 64;        // A credential, for resends.
inline constexpr std::uint32_t kMarketsMax = 4'096;
inline constexpr std::uint32_t kOpenProductsMax = 1u << 16;  // Of one shard.
inline constexpr std::uint32_t kRoundsMax = 96;              // Of one product.
inline constexpr std::uint32_t kGameStepsMax = 4'096;        // Of one round that is played.
// No time of the exchange is before 1970 or past 2200-01-01T00:00Z.
inline constexpr std::int64_t kTimeNsMax = 7'258'118'400'000'000'000;
inline constexpr std::uint64_t kSequenceMax = std::uint64_t{1} << 53;
inline constexpr std::int64_t kReadingMaxWh = kOrderEnergyMaxWh;  // One home's meter, one slot.
inline constexpr std::uint32_t kPeriodReadingsMax = 1u << 26;     // Settled at once.
inline constexpr std::uint32_t kOrderIdPlaces = 1'024;  // OrderId = sequence * this + place.

// An amount of money of one order, and the energy of one side of a book, fit in 63 bits.
static_assert(kPriceTicksMax <= INT64_MAX / kOrderEnergyMaxWh);
static_assert(kOrderEnergyMaxWh <= INT64_MAX / kBookOrdersMax);
static_assert(kOrderEnergyMaxWh <= UINT32_MAX);
// What a market's operator keeps or owes need not fit: IsPossible(MarketDefinition) sees to it.
static_assert(kFrameOrdersMax < kOrderIdPlaces);
static_assert(kSequenceMax <= UINT64_MAX / kOrderIdPlaces);
// A week and a minute beyond it can still be counted.
static_assert(kTimeNsMax < INT64_MAX - std::int64_t{8} * 86'400 * 1'000'000'000);
static_assert(40 + kFrameOrdersMax * 40 <= kCommandBytesMax);

}  // namespace engine
