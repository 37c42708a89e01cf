// A replayed day as a table that a person understands: hour by hour, prices, energy and savings.
#pragma once

#include <ostream>

#include "tools/peerwatt/network_replay.h"

namespace tools {

// Savings are against a home that trades with the grid alone: a buyer saves retail - price on every
// watt-hour bought from a neighbour, a seller gains price - feed-in. Tariffs are the markets' own;
// hours are local to the market's time zone. One table a market.
void PrintCityTable(const ReplayPlan& plan, const NetworkReplayResult& result, std::ostream& out);

}  // namespace tools
