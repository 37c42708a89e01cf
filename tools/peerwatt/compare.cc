#include "tools/peerwatt/compare.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/core/clearing/rules.h"
#include "gateway/absl_view.h"
#include "tools/feed/feed_file.h"
#include "tools/peerwatt/bare_engine.h"
#include "tools/peerwatt/clear.h"
#include "tools/peerwatt/rule_option.h"
#include "tools/peerwatt/zip_agents.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::EventType;

constexpr engine::AccountId kBearsAll{1};

struct NamedRule {
  std::string name;
  engine::RuleParameters rule;
};

absl::StatusOr<NamedRule> ParseNamed(const std::string& text) {
  std::vector<std::string> parts = absl::StrSplit(text, ':');
  const std::string name = parts.front();
  parts.erase(parts.begin());
  absl::StatusOr<engine::RuleParameters> rule = ParseRule(name, parts);
  if (!rule.ok()) return rule.status();
  if (rule->rule == engine::Rule::kVcg && rule->balance_account == engine::AccountId{}) {
    rule->balance_account = kBearsAll;
    rule->deficit_cap_units = INT64_MAX;
  }
  return NamedRule{text, *rule};
}

// One feed through one rule.
class Run {
 public:
  Run(const NamedRule& rule, const CompareOptions& options)
      : rule_(rule),
        options_(options),
        engine_([this](const engine::Event& event) { Hear(event); }) {
    result_.name = rule.name;
    if (options.agents == Agents::kZip) agents_.emplace(options.seed);
  }

  absl::StatusOr<RuleResult> Through(FeedReader& feed, const std::string& path);

 private:
  absl::Status Take(engine::CommandView record);
  absl::Status Define(engine::CommandView record);
  void Hear(const engine::Event& event);
  void HearFill(const engine::FillEvent& fill);
  engine::CommandView Shade(engine::CommandView record);
  void EndRoundsBefore(std::size_t outcomes);
  void EndRound(const engine::OutcomeBody& outcome);

  const NamedRule& rule_;
  const CompareOptions& options_;
  BareEngine engine_;
  FedOrders orders_;
  std::optional<ZipAgents> agents_;
  std::map<engine::MarketId, engine::MarketDefinition> markets_;
  CommandBytes shaded_;
  // While a client command is applied: what it fills and displaces meets the orders as it leaves
  // them.
  bool takes_ = false;
  std::vector<engine::Event> later_;
  std::size_t rounds_ended_ = 0;
  bool has_book_ = false;
  RuleResult result_;
};

void Run::HearFill(const engine::FillEvent& fill) {
  const FedOrderState& order = orders_.Of(fill);
  const std::int64_t at_limit = std::int64_t{order.limit_ticks} * fill.energy_wh;
  if (fill.side == engine::Side::kBuy) {
    result_.energy_wh += fill.energy_wh;
    result_.paid_units += fill.amount_units;
    result_.buyers_surplus_units += at_limit - fill.amount_units;
  } else {
    result_.sellers_surplus_units += fill.amount_units - at_limit;
  }
}

void Run::Hear(const engine::Event& event) {
  const bool is_of_orders =
      event.type == EventType::kFill || event.type == EventType::kOrderCancelled;
  if (takes_ && is_of_orders) return later_.push_back(event);
  if (event.type == EventType::kAnswer) result_.refused += event.answer.refused;
  // A round's outcome is there before its events: those before it have told all of theirs.
  if (event.type == EventType::kRoundCleared) EndRoundsBefore(engine_.outcomes().size() - 1);
  if (event.type == EventType::kRoundCleared && !has_book_ &&
      options_.chosen == event.round_cleared.product) {
    has_book_ = true;  // Before its fills.
    result_.book = orders_.OpenIn(event.round_cleared.product);
    result_.chosen_wh = event.round_cleared.energy_wh;
    result_.chosen_buy_ticks = event.round_cleared.buy_price_ticks;
    result_.chosen_sell_ticks = event.round_cleared.sell_price_ticks;
  }
  if (event.type == EventType::kFill) HearFill(event.fill);
  orders_.Hear(event);
}

void Run::EndRoundsBefore(std::size_t outcomes) {
  while (rounds_ended_ < outcomes) EndRound(engine_.outcomes()[rounds_ended_++]);
}

void Run::EndRound(const engine::OutcomeBody& outcome) {
  if (outcome.result == engine::RoundResult::kTraded) ++result_.rounds;
  result_.operator_balance_units += outcome.operator_balance_units;
  const engine::MarketDefinition& market = markets_.at(outcome.product.market);
  if (agents_ && outcome.result != engine::RoundResult::kVoid) {
    const std::vector<FedOrderState> orders = orders_.InRound(outcome.product, outcome.round);
    for (const FedOrderState& order : orders) {
      const bool filled = order.filled_round == outcome.round;
      const std::int64_t sent_wh = std::int64_t{order.open_wh} + (filled ? order.filled_wh : 0);
      result_.sent_wh += static_cast<std::uint64_t>(sent_wh);
      result_.shaded_units += std::abs(order.limit_ticks - order.sent_ticks) * sent_wh;
    }
    agents_->Learn(market, outcome, orders);
  }
  if (market.carry_over == 1 && outcome.round < market.rounds) return;
  // What is left when a product, or a round whose orders do not stay, is over.
  for (const FedOrderState& order : orders_.OpenIn(outcome.product)) {
    (order.side == engine::Side::kBuy ? result_.unserved_wh : result_.unsold_wh) += order.open_wh;
  }
  orders_.Forget(outcome.product);
}

// The record with the limits that the agents make of its own.
engine::CommandView Run::Shade(engine::CommandView record) {
  std::vector<engine::OrderBody> orders;
  for (engine::OrderBody order : record.Items<engine::OrderBody>()) {
    const auto market = markets_.find(order.product.market);
    if (market != markets_.end()) {
      order.limit_ticks = agents_->Shade(market->second, orders_.PartyOf(order.account), order.side,
                                         order.limit_ticks);
    }
    orders.push_back(order);
  }
  return shaded_.Set(record.header(), std::span<const engine::OrderBody>(orders));
}

absl::Status Run::Define(engine::CommandView record) {
  if (record.header().type == CommandType::kDefineAccount) {
    for (const auto& account : record.Items<engine::AccountBody>()) orders_.AddAccount(account);
  }
  if (record.header().type != CommandType::kDefineMarket) return engine_.Apply(record);
  for (engine::MarketDefinition market : record.Items<engine::MarketDefinition>()) {
    market.rule = rule_.rule;
    market.indicative_interval_s = 0;
    if (!engine::IsPossible(market)) {
      return absl::InvalidArgumentError(
          absl::StrCat("market ", static_cast<std::uint32_t>(market.id),
                       " cannot have this rule: its limits or the rule's parameters do not allow"));
    }
    markets_[market.id] = market;
    orders_.AddMarket(market);
    const absl::Status status =
        engine_.Apply(record.header(), std::span<const engine::MarketDefinition>(&market, 1));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Run::Take(engine::CommandView record) {
  if (!engine::IsFromClient(record.header().type)) return Define(record);
  const bool has_limits = record.header().type == CommandType::kSubmitOrders ||
                          record.header().type == CommandType::kReplaceOrders;
  if (has_limits) {
    for (const engine::OrderBody& order : record.Items<engine::OrderBody>()) {
      if (order.response == engine::Response::kFixed) continue;
      return absl::InvalidArgumentError(
          "a bid with a response: what it would do under another rule is not in the feed");
    }
  }
  // Rounds that are due before it, whose fills meet the orders as they were.
  absl::Status status = engine_.AdvanceTo(record.header().time_ns);
  if (!status.ok()) return status;
  EndRoundsBefore(engine_.outcomes().size());
  const engine::CommandView sent = has_limits && agents_ ? Shade(record) : record;
  takes_ = true;
  status = engine_.Apply(sent);
  takes_ = false;
  if (!status.ok()) return status;
  orders_.Applied(record, sent);
  for (const engine::Event& event : later_) Hear(event);
  later_.clear();
  return status;
}

absl::StatusOr<RuleResult> Run::Through(FeedReader& feed, const std::string& path) {
  feed.Rewind();
  for (;;) {
    const absl::StatusOr<std::optional<engine::CommandView>> record = feed.Next();
    if (!record.ok()) return record.status();
    if (!*record) break;
    const absl::Status status = Take(**record);
    if (status.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": record ", (*record)->header().sequence, ": rule ", rule_.name, ": ",
                     gateway::Absl({status.message().data(), status.message().size()})));
  }
  if (absl::Status status = engine_.CloseOpenRounds(); !status.ok()) return status;
  EndRoundsBefore(engine_.outcomes().size());
  return std::move(result_);
}

double Kwh(std::uint64_t wh) { return static_cast<double>(wh) / 1e3; }
double Money(std::int64_t units) { return static_cast<double>(units) / 1e6; }

std::string Percent(double part, double whole) {
  if (whole == 0) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << 100 * part / whole;
  return text.str();
}

std::string Price(std::int64_t units, std::uint64_t wh) {
  if (wh == 0) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(4) << Money(units) / Kwh(wh);
  return text.str();
}

// Who bid, in a line.
std::string HeadingOf(const Comparison& comparison) {
  switch (comparison.agents) {
    case Agents::kTruthful:
      return "a simulation, not a forecast: all bid the feed's limits, as their true values";
    case Agents::kZip:
      return absl::StrCat("a simulation, not a forecast: zero-intelligence-plus agents, seed ",
                          comparison.seed, ", bid; the feed's limits are their true values");
    case Agents::kNone:
      break;
  }
  return "bids held fixed; not a forecast of behaviour under another rule";
}

void PrintRow(const RuleResult& r, const Comparison& comparison, int width, std::ostream& out) {
  const auto traded = static_cast<double>(r.energy_wh);
  const auto unserved = static_cast<double>(r.unserved_wh);
  const auto unsold = static_cast<double>(r.unsold_wh);
  out << std::fixed << std::setprecision(2) << std::left << std::setw(width) << r.name << std::right
      << std::setw(11) << Kwh(r.energy_wh) << std::setw(11) << Price(r.paid_units, r.energy_wh)
      << std::setw(12) << Money(r.buyers_surplus_units) << std::setw(12)
      << Money(r.sellers_surplus_units) << std::setw(12) << Money(r.operator_balance_units)
      << std::setw(12) << Percent(unserved, unserved + traded) << std::setw(11)
      << Percent(unsold, unsold + traded) << std::setw(11)
      << Percent(static_cast<double>(r.welfare_units()),
                 static_cast<double>(comparison.optimum_units))
      << std::setw(10) << r.refused;
  if (comparison.agents == Agents::kZip) {
    out << std::setw(10) << Price(r.shaded_units, r.sent_wh);
  }
  out << "\n";
}

}  // namespace

absl::StatusOr<Comparison> CompareRules(const std::string& path, const CompareOptions& options) {
  std::vector<NamedRule> rules;
  for (const std::string& text : options.rules) {
    absl::StatusOr<NamedRule> rule = ParseNamed(text);
    if (!rule.ok()) return rule.status();
    rules.push_back(*std::move(rule));
  }
  absl::StatusOr<FeedReader> feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  Comparison comparison;
  comparison.agents = options.agents;
  comparison.seed = options.seed;
  // The uniform price's trades are the efficient ones.
  const NamedRule efficient{"uniform", engine::RuleParameters()};
  const CompareOptions as_fed{.rules = {}, .chosen = options.chosen};
  absl::StatusOr<RuleResult> optimum = Run(efficient, as_fed).Through(*feed, path);
  if (!optimum.ok()) return optimum.status();
  comparison.optimum_units = optimum->welfare_units();
  for (const NamedRule& rule : rules) {
    if (rule.name == efficient.name && options.agents != Agents::kZip) {
      comparison.results.push_back(*optimum);
      continue;
    }
    absl::StatusOr<RuleResult> result = Run(rule, options).Through(*feed, path);
    if (!result.ok()) return result.status();
    comparison.results.push_back(*std::move(result));
  }
  return comparison;
}

void PrintComparison(const Comparison& comparison, std::ostream& out) {
  out << HeadingOf(comparison) << "\n\n";
  std::size_t width = 4;
  for (const RuleResult& result : comparison.results) width = std::max(width, result.name.size());
  const auto name = static_cast<int>(width);
  out << std::left << std::setw(name) << "rule" << std::right << std::setw(11) << "energy kWh"
      << std::setw(11) << "price" << std::setw(12) << "buyers" << std::setw(12) << "sellers"
      << std::setw(12) << "operator" << std::setw(12) << "unserved %" << std::setw(11) << "unsold %"
      << std::setw(11) << "welfare %" << std::setw(10) << "refused";
  if (comparison.agents == Agents::kZip) out << std::setw(10) << "shading";
  out << "\n";
  for (const RuleResult& result : comparison.results) PrintRow(result, comparison, name, out);
  out << "\nenergy traded; price: what buyers pay on average, currency/kWh; buyers, sellers: "
         "their\n"
         "surplus by the feed's limits, in currency; operator: its balance; unserved, unsold:\n"
         "energy left to the grid of what was bid and asked for; welfare: of the efficient "
         "trades'\n"
         "at the feed's limits; refused: orders and changes that the rule does not take, such as\n"
         "what is no lot, or that come too late\n";
  const bool has_stackelberg =
      std::any_of(comparison.results.begin(), comparison.results.end(),
                  [](const RuleResult& result) { return result.name.starts_with("stackelberg"); });
  if (has_stackelberg) {
    out << "stackelberg: no bid here falls with the price, so that of objective=asws is always\n"
           "the highest of its range\n";
  }
  if (comparison.agents == Agents::kZip) {
    out << "shading: how far bids and asks were from the feed's limits on average, currency/kWh\n";
  }
}

}  // namespace tools
