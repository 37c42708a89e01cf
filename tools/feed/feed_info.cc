#include "tools/feed/feed_info.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "engine/core/command.h"
#include "engine/core/digest.h"
#include "tools/feed/feed_file.h"

namespace tools {
namespace {

using engine::CommandType;

std::string_view NameOf(FeedSource source) {
  switch (source) {
    case FeedSource::kCity:
      return "a generated city";
    case FeedSource::kProfiles:
      return "measured profiles of homes";
    case FeedSource::kNem:
      return "recorded NEM bids";
    case FeedSource::kJournal:
      return "a journal";
  }
  return "an unknown source";
}

std::string_view NameOf(CommandType type) {
  switch (type) {
    case CommandType::kDefineMarket:
      return "markets";
    case CommandType::kDefineMeteringPoint:
      return "metering points";
    case CommandType::kDefineAccount:
      return "accounts";
    case CommandType::kDefineCredential:
      return "credentials";
    case CommandType::kSubmitOrders:
      return "orders submitted";
    case CommandType::kReplaceOrders:
      return "orders replaced";
    case CommandType::kCancelOrders:
      return "orders cancelled";
    case CommandType::kCancelAll:
      return "cancels of all orders";
    case CommandType::kReplyQuantities:
      return "answers to called prices";
    default:
      return "";
  }
}

template <std::size_t N>
std::string_view Text(const std::array<char, N>& padded) {
  const auto end = std::ranges::find(padded, '\0');
  return {padded.data(), static_cast<std::size_t>(end - padded.begin())};
}

std::string Utc(std::int64_t time_ns) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixNanos(time_ns),
                          absl::UTCTimeZone());
}

// What one pass over the records finds.
struct Totals {
  std::map<CommandType, std::uint64_t> items;
  std::vector<engine::MarketDefinition> markets;
  std::uint64_t frames = 0;
  std::uint64_t bid_wh = 0;
  std::uint64_t ask_wh = 0;
  std::int64_t last_time_ns = 0;

  void Add(engine::CommandView command) {
    const engine::CommandHeader& header = command.header();
    items[header.type] += header.count;
    last_time_ns = header.time_ns;
    if (engine::IsFromClient(header.type)) ++frames;
    if (header.type == CommandType::kDefineMarket) {
      markets.push_back(command.Items<engine::MarketDefinition>()[0]);
    }
    if (header.type != CommandType::kSubmitOrders) return;
    for (const engine::OrderBody& order : command.Items<engine::OrderBody>()) {
      (order.side == engine::Side::kBuy ? bid_wh : ask_wh) += order.energy_wh;
    }
  }
};

void Print(const engine::MarketDefinition& market, std::ostream& out) {
  out << "market " << static_cast<std::uint32_t>(market.id) << ": '" << Text(market.name) << "', "
      << market.slot_minutes << "-minute slots, prices " << market.band_low_ticks << " to "
      << std::int64_t{market.band_low_ticks} + market.band_levels - 1 << " ticks of 0.001 "
      << Text(market.currency) << "/kWh, " << Text(market.time_zone) << "\n  a product opens "
      << market.open_before_s << " s before delivery; " << market.rounds
      << " rounds, the last gate " << market.gate_before_s << " s before it; retail "
      << market.retail_ticks << " ticks, feed-in " << market.feed_in_ticks << "\n";
}

}  // namespace

absl::Status PrintInfo(const std::string& path, std::ostream& out) {
  auto feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  Totals totals;
  for (;;) {
    const auto command = feed->Next();
    if (!command.ok()) return command.status();
    if (!command->has_value()) break;
    totals.Add(**command);
  }
  const FeedHeader& header = feed->header();
  out << path << ": from " << NameOf(header.source);
  if (header.seed != 0) out << ", seed " << header.seed;
  out << "\n"
      << header.records << " records of " << header.bytes << " bytes, digest "
      << engine::ToHex(header.digest) << "\n"
      << Utc(header.first_time_ns) << " to " << Utc(totals.last_time_ns) << "\n";
  for (const engine::MarketDefinition& market : totals.markets) Print(market, out);
  for (const auto& [type, count] : totals.items) {
    if (!NameOf(type).empty()) out << NameOf(type) << ": " << count << "\n";
  }
  out << "frames: " << totals.frames << "\nsubmitted: " << totals.bid_wh << " Wh in bids, "
      << totals.ask_wh << " Wh in asks\n";
  return absl::OkStatus();
}

}  // namespace tools
