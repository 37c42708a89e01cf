#include "tools/peerwatt/clear.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/core/clearing/lottery.h"
#include "engine/core/clearing/pairing.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/hex.h"
#include "engine/core/units.h"
#include "gateway/absl_view.h"
#include "nlohmann/json.hpp"
#include "tools/peerwatt/bare_engine.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::Reason;

constexpr engine::MarketId kMarket{1};
constexpr engine::CredentialId kCredential{1};
constexpr engine::AccountId kNobody{UINT64_MAX};  // Bears a deficit offline: no cap.
constexpr engine::LotteryBytes kSecretOne = [] {
  engine::LotteryBytes one{};
  one.back() = std::byte{1};
  return one;
}();
constexpr std::uint32_t kStartMinute = 15;  // The first slot that opens at time 0.

// A market that lasts one round and takes whatever the file has.
engine::MarketDefinition OneRound(const OrdersFile& file, const ClearSetup& setup) {
  engine::MarketDefinition market;
  market.id = kMarket;
  market.band_low_ticks = static_cast<std::int32_t>(file.lowest_ticks);
  market.band_levels = static_cast<std::uint32_t>(file.highest_ticks - file.lowest_ticks + 1);
  market.open_before_s = 3'600;
  market.gate_before_s = 60;
  market.min_notice_s = 0;
  std::int64_t largest_wh = std::max({setup.rule.lot_wh, setup.rule.min_order_wh, 1U});
  for (const FileOrder& order : file.orders) largest_wh = std::max(largest_wh, order.energy_wh);
  market.order_max_wh = static_cast<std::uint32_t>(std::min(largest_wh, engine::kOrderEnergyMaxWh));
  market.party_orders_max = engine::kPartyOrdersMax;
  market.book_orders_max = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(file.orders.size(), 1, engine::kBookOrdersMax));
  market.feed_in_ticks = setup.feed_in_ticks;
  market.retail_ticks = setup.retail_ticks;
  market.rule = setup.rule;
  if (market.rule.rule == engine::Rule::kVcg &&
      market.rule.balance_account == engine::AccountId{}) {
    market.rule.balance_account = kNobody;
    market.rule.deficit_cap_units = INT64_MAX;
  }
  return market;
}

class Clearing {
 public:
  Clearing(const OrdersFile& file, const ClearSetup& setup)
      : file_(file),
        setup_(setup),
        is_continuous_(engine::FindRule(setup.rule.rule, setup.rule.rule_version)->continuous),
        engine_([this](const engine::Event& event) { Hear(event); }) {
    round_.rule = setup.rule;
  }

  absl::StatusOr<ClearedRound> Run() {
    const engine::LotteryBytes secret = setup_.secret.value_or(kSecretOne);
    engine_.SetLotterySecret(secret);
    if (absl::Status status = Define(); !status.ok()) return status;
    if (absl::Status status = Submit(); !status.ok()) return status;
    if (absl::Status status = engine_.AdvanceTo(kGateNs); !status.ok()) return status;
    for (const auto& [order, sum] : summed_) round_.fills.push_back(sum);
    const auto by_order = [](const auto& a, const auto& b) { return a.order < b.order; };
    std::sort(round_.fills.begin(), round_.fills.end(), by_order);
    std::stable_sort(round_.refused.begin(), round_.refused.end(), by_order);
    if (!is_continuous_) Pair();
    if (engine::FindRule(setup_.rule.rule, setup_.rule.rule_version)->has_lottery) {
      round_.lottery = {.secret = secret, .seed = Seed(secret)};
    }
    return std::move(round_);
  }

 private:
  absl::Status Define();
  absl::Status Submit();
  absl::Status SendFrame();
  bool RefusedHere(std::uint32_t order);
  void Hear(const engine::Event& event);
  void HearTrade(const engine::FillEvent& fill);
  void Pair();
  std::int32_t PriceOf(const ClearedFill& bought, const ClearedFill& sold) const;
  engine::LotteryBytes Seed(const engine::LotteryBytes& secret) const;

  static constexpr std::int64_t kGateNs = (kStartMinute - 1) * std::int64_t{60'000'000'000};

  const OrdersFile& file_;
  const ClearSetup setup_;
  const bool is_continuous_;
  BareEngine engine_;
  ClearedRound round_;
  std::map<std::uint32_t, ClearedFill> summed_;  // By order, in a continuous market.
  ClearedTrade trade_;
  bool has_half_a_trade_ = false;
  std::uint64_t client_seq_ = 0;
  std::vector<engine::OrderBody> frame_;
  std::vector<std::uint32_t> frame_orders_;  // Their indices in the file.
};

absl::Status Clearing::Define() {
  engine::GenesisBody genesis;
  genesis.order_capacity = file_.orders.size() + std::uint64_t{2} * engine::kFrameOrdersMax;
  absl::Status status = engine_.Define(CommandType::kGenesis, 0, genesis);
  status.Update(engine_.Define(CommandType::kDefineMarket, 0, OneRound(file_, setup_)));
  engine::CredentialBody credential;
  credential.id = kCredential;
  status.Update(engine_.Define(CommandType::kDefineCredential, 0, credential));
  status.Update(engine_.Define(CommandType::kDefineMeteringPoint, 0,
                               engine::MeteringPointBody{.id = engine::MeteringPointId{1}}));
  for (std::uint32_t i = 0; i < file_.party_of.size() && status.ok(); ++i) {
    status = engine_.Define(CommandType::kDefineAccount, 0,
                            engine::AccountBody{.id = engine::AccountId{i + 1},
                                                .party = engine::PartyId{file_.party_of[i] + 1},
                                                .metering_point = engine::MeteringPointId{1},
                                                .market = kMarket,
                                                .credential = kCredential});
  }
  return status;
}

// What no order of the wire could say.
bool Clearing::RefusedHere(std::uint32_t index) {
  if (file_.orders[index].energy_wh <= engine::kOrderEnergyMaxWh) return false;
  round_.refused.push_back({index, Reason::kEnergyTooLarge});
  return true;
}

absl::Status Clearing::SendFrame() {
  if (frame_.empty()) return absl::OkStatus();
  engine::CommandHeader header;
  header.type = CommandType::kSubmitOrders;
  header.credential = kCredential;
  header.client_seq = ++client_seq_;
  const absl::Status status = engine_.Apply(header, std::span<const engine::OrderBody>(frame_));
  frame_.clear();
  frame_orders_.clear();
  return status;
}

absl::Status Clearing::Submit() {
  for (std::uint32_t i = 0; i < file_.orders.size(); ++i) {
    if (RefusedHere(i)) continue;
    const FileOrder& order = file_.orders[i];
    frame_.push_back({.account = engine::AccountId{order.account + 1},
                      .client_order_id = engine::ClientOrderId{i},
                      .product = {kMarket, kStartMinute},
                      .limit_ticks = static_cast<std::int32_t>(order.price_ticks),
                      .energy_wh = static_cast<std::uint32_t>(order.energy_wh),
                      .response_param = order.response_param,
                      .side = order.side,
                      .response = order.response});
    frame_orders_.push_back(i);
    // Each as if it came alone: a command makes a bounded number of trades.
    if (!is_continuous_ && frame_.size() < engine::kFrameOrdersMax) continue;
    if (absl::Status status = SendFrame(); !status.ok()) return status;
  }
  return SendFrame();
}

void Clearing::Hear(const engine::Event& event) {
  switch (event.type) {
    case engine::EventType::kRefusals:
      for (std::uint16_t i = 0; i < event.refusals.count; ++i) {
        const engine::Refusal& refusal = event.refusals.refusals[i];
        round_.refused.push_back({frame_orders_[refusal.index], refusal.reason});
      }
      break;
    case engine::EventType::kOrderCancelled:
      round_.refused.push_back({static_cast<std::uint32_t>(event.order_cancelled.client_order_id),
                                event.order_cancelled.reason});
      break;
    case engine::EventType::kRoundCleared:
      round_.traded = event.round_cleared.result == engine::RoundResult::kTraded;
      round_.no_trade = event.round_cleared.no_trade;
      round_.buy_price_ticks = event.round_cleared.buy_price_ticks;
      round_.sell_price_ticks = event.round_cleared.sell_price_ticks;
      round_.operator_balance_units = event.round_cleared.operator_balance_units;
      round_.energy_wh = event.round_cleared.energy_wh;
      break;
    case engine::EventType::kFill:
      if (is_continuous_) return HearTrade(event.fill);
      round_.fills.push_back({static_cast<std::uint32_t>(event.fill.client_order_id),
                              event.fill.energy_wh, event.fill.amount_units,
                              event.fill.price_ticks});
      break;
    default:
      break;
  }
}

// A continuous market tells the two fills of a trade one after the other; an order may have many.
void Clearing::HearTrade(const engine::FillEvent& fill) {
  const auto order = static_cast<std::uint32_t>(fill.client_order_id);
  ClearedFill& sum = summed_[order];
  sum.order = order;
  sum.energy_wh += fill.energy_wh;
  sum.amount_units += fill.amount_units;
  sum.price_ticks = static_cast<std::int32_t>(engine::DivideDown(sum.amount_units, sum.energy_wh));
  (fill.side == engine::Side::kBuy ? trade_.buy_order : trade_.sell_order) = order;
  trade_.energy_wh = fill.energy_wh;
  trade_.price_ticks = fill.price_ticks;
  if (has_half_a_trade_) round_.trades.push_back(trade_);
  has_half_a_trade_ = !has_half_a_trade_;
}

// Of a pair: its own where the rule has one, else what the buyer pays; the seller's, of one buyer.
std::int32_t Clearing::PriceOf(const ClearedFill& bought, const ClearedFill& sold) const {
  const engine::RuleParameters& rule = setup_.rule;
  if (rule.rule == engine::Rule::kReverse) return sold.price_ticks;
  if (rule.rule != engine::Rule::kPayAsBid) return bought.price_ticks;
  const std::int64_t bid = file_.orders[bought.order].price_ticks;
  const std::int64_t ask = file_.orders[sold.order].price_ticks;
  const bool at_bid = rule.pricing == engine::PairPricing::kBuyer;
  return static_cast<std::int32_t>(at_bid ? bid : engine::DivideDown(bid + ask, 2));
}

void Clearing::Pair() {
  std::vector<engine::PairingFill> sides[2];
  std::vector<const ClearedFill*> fills[2];
  for (const ClearedFill& fill : round_.fills) {
    const FileOrder& order = file_.orders[fill.order];
    const auto side = static_cast<std::size_t>(order.side);
    sides[side].push_back({order.price_ticks, fill.energy_wh});
    fills[side].push_back(&fill);
  }
  for (const engine::PairedTrade& trade : engine::PairFills(sides[0], sides[1])) {
    const ClearedFill& bought = *fills[0][trade.bid];
    const ClearedFill& sold = *fills[1][trade.ask];
    round_.trades.push_back({bought.order, sold.order, trade.energy_wh, PriceOf(bought, sold)});
  }
}

// From the orders that were in the book, which is how anyone can check a draw.
engine::LotteryBytes Clearing::Seed(const engine::LotteryBytes& secret) const {
  std::vector<bool> in_book(file_.orders.size(), true);
  for (const RefusedOrder& refused : round_.refused) in_book[refused.order] = false;
  std::map<std::uint32_t, std::uint32_t> parties;
  std::vector<engine::SealedOrder> book;
  for (const engine::Side side : {engine::Side::kBuy, engine::Side::kSell}) {
    for (std::uint32_t i = 0; i < file_.orders.size(); ++i) {
      const FileOrder& order = file_.orders[i];
      if (!in_book[i] || order.side != side) continue;
      const auto next = static_cast<std::uint32_t>(parties.size());
      book.push_back({.party = parties.emplace(file_.party_of[order.account], next).first->second,
                      .open_wh = static_cast<std::uint32_t>(order.energy_wh),
                      .level = static_cast<std::uint16_t>(order.price_ticks - file_.lowest_ticks),
                      .side = side});
    }
  }
  return engine::LotterySeed(secret, book, static_cast<std::int32_t>(file_.lowest_ticks));
}

// A number where the text is one, so that ids come back as they went in.
std::string JsonId(const std::string& id) {
  const bool number = id.size() < 16 && id.find_first_not_of("0123456789") == std::string::npos &&
                      (id.size() == 1 || id[0] != '0');
  if (number) return id;
  return nlohmann::json(id).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<ClearedRound> ClearOrders(const OrdersFile& file, const ClearSetup& setup) {
  return Clearing(file, setup).Run();
}

void PrintJson(const OrdersFile& file, const ClearedRound& round, std::ostream& out) {
  const auto price = [&](std::int32_t ticks) {
    return round.traded ? absl::StrCat(ticks) : std::string("null");
  };
  const bool is_one = round.buy_price_ticks == round.sell_price_ticks;
  const auto id = [&](std::uint32_t order) { return JsonId(file.orders[order].order_id); };
  const char* comma = "";
  const engine::RuleEntry* rule = engine::FindRule(round.rule.rule, round.rule.rule_version);
  out << "{\"rule\":\"" << rule->name << "\",\"version\":" << round.rule.rule_version
      << ",\"price_ticks\":" << (is_one ? price(round.buy_price_ticks) : "null")
      << ",\"buy_price_ticks\":" << price(round.buy_price_ticks)
      << ",\"sell_price_ticks\":" << price(round.sell_price_ticks)
      << ",\"operator_balance_units\":" << round.operator_balance_units
      << ",\"volume_wh\":" << round.energy_wh;
  if (round.no_trade != Reason::kNone) {
    out << ",\"no_trade\":\"" << engine::ReasonName(round.no_trade) << "\"";
  }
  if (round.lottery) {
    out << ",\"lottery\":{\"secret\":\"" << engine::ToHex(round.lottery->secret) << "\",\"seed\":\""
        << engine::ToHex(round.lottery->seed) << "\"}";
  }
  out << ",\"fills\":[";
  for (const ClearedFill& fill : round.fills) {
    out << comma << "{\"order_id\":" << id(fill.order) << ",\"energy_wh\":" << fill.energy_wh
        << ",\"price_ticks\":" << fill.price_ticks << ",\"amount_units\":" << fill.amount_units
        << "}";
    comma = ",";
  }
  out << "],\"trades\":[";
  comma = "";
  for (const ClearedTrade& trade : round.trades) {
    out << comma << "{\"buy_order_id\":" << id(trade.buy_order)
        << ",\"sell_order_id\":" << id(trade.sell_order) << ",\"energy_wh\":" << trade.energy_wh
        << ",\"price_ticks\":" << trade.price_ticks << "}";
    comma = ",";
  }
  out << "],\"refused\":[";
  comma = "";
  for (const RefusedOrder& refused : round.refused) {
    out << comma << "{\"order_id\":" << id(refused.order) << ",\"reason\":\""
        << engine::ReasonName(refused.reason) << "\"}";
    comma = ",";
  }
  out << "]}\n";
}

void PrintCsv(const OrdersFile& file, const ClearedRound& round, std::ostream& out) {
  out << "order_id,energy_wh,price_ticks,amount_units\n";
  for (const ClearedFill& fill : round.fills) {
    out << file.orders[fill.order].order_id << "," << fill.energy_wh << "," << fill.price_ticks
        << "," << fill.amount_units << "\n";
  }
}

}  // namespace tools
