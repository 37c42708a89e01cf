// What a simulation begins with, and what its operators change between two lives of the daemon.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
#include "gateway/token.h"
#include "tests/sim/simulation.h"
#include "tests/support/acts.h"

namespace engine {
namespace {

constexpr std::uint32_t kDevices = 4;  // The other controllers are aggregators.
constexpr CredentialId kOperator{Simulation::kControllers + 1};
constexpr std::uint64_t kPoints = 7;
constexpr std::uint64_t kAccounts = 11;
constexpr std::uint32_t kUid = 1'000;

// Each device has one or two accounts to begin with, and each aggregator three.
AccountBody AccountOf(std::uint64_t number) {
  constexpr std::uint32_t kMarkets[kAccounts] = {1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2};
  constexpr std::uint32_t kCredentials[kAccounts] = {1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6};
  return {.id = AccountId{number},
          .party = PartyId{1 + number % 5},
          .metering_point = MeteringPointId{1 + number % kPoints},
          .market = MarketId{kMarkets[number - 1]},
          .credential = CredentialId{kCredentials[number - 1]}};
}

}  // namespace

// What nothing hangs on here is as it is in every market: how early it opens, its tariffs and
// names.
MarketDefinition Simulation::RandomMarket(std::uint32_t id) {
  MarketDefinition market = SmallMarket();
  market.id = MarketId{id};
  market.slot_minutes = Chance(8) ? 15 : 5;
  market.band_low_ticks = Chance(3) ? -40 : 0;  // So that there are prices below zero.
  market.band_levels = Chance(3) ? 90 : 100;
  market.open_before_s = 1'500;
  market.gate_before_s = Chance(4) ? 90 : 60;
  market.min_notice_s = Chance(4) ? market.gate_before_s : 20;
  market.round_interval_s = 90;
  market.freeze_s = Chance(2) ? 10 : 0;
  market.order_max_wh = 500;
  market.party_orders_max = Chance(4) ? 6 : 30;
  if (Chance(4)) market.book_orders_max = 25;
  market.rule.self_trade = Chance(2) ? SelfTrade::kRefuse : SelfTrade::kCancelOlder;
  if (Chance(3)) {
    market.rule.rule = Rule::kContinuous;
  } else {
    MakeUniform(market);
  }
  return market;
}

// What a continuous market does not have.
void Simulation::MakeUniform(MarketDefinition& market) {
  market.rounds = static_cast<std::uint32_t>(1 + random_.Below(3));
  market.carry_over = Chance(2) ? 1 : 0;
  market.indicative_interval_s = Chance(4) ? 0 : 2;
  market.indicative_min_parties = static_cast<std::uint32_t>(1 + random_.Below(3));
  market.indicative_step_ticks = static_cast<std::uint32_t>(1 + random_.Below(3));
  market.indicative_step_wh = 10;
  market.rule.margin = Chance(2) ? Margin::kProRata : Margin::kTime;
  market.rule.price =
      Chance(2) ? UniformPricing::kInterval : static_cast<UniformPricing>(1 + random_.Below(2));
  market.rule.k_numerator = static_cast<std::uint32_t>(random_.Below(4));
  market.rule.k_denominator = 3;
}

MeteringPointBody Simulation::RandomPoint(std::uint64_t id) {
  const std::uint32_t limit_w = Chance(2) ? 12'000 : 0;
  return {.id = MeteringPointId{id}, .import_limit_w = limit_w, .export_limit_w = limit_w / 2};
}

// As programs wrote them before there were acts; but an operator that acts is made by an act.
void Simulation::Init() {
  ExchangeDriver driver(10'000);
  driver.now_ns = clock_.NowNs();
  driver.AddMarket(RandomMarket(1));
  driver.AddMarket(RandomMarket(2));
  for (std::uint32_t id = 1; id <= kControllers; ++id) {
    driver.Apply(CommandType::kDefineCredential,
                 CredentialBody{
                     .id = CredentialId{id},
                     .kind = id <= kDevices ? CredentialKind::kDevice : CredentialKind::kAggregator,
                     .token_hash = gateway::HashToken(SimController::TokenOf(CredentialId{id}))});
  }
  for (std::uint64_t point = 1; point <= kPoints; ++point) {
    driver.Apply(CommandType::kDefineMeteringPoint, RandomPoint(point));
  }
  for (std::uint64_t number = 1; number <= kAccounts; ++number) {
    driver.Apply(CommandType::kDefineAccount, AccountOf(number));
  }
  actors_.push_back({.uid = kUid, .reason = "the first operator"});
  ApplyAct(driver, MakeAct({}, kUid, CommandType::kDefineCredential, actors_.back().reason),
           std::vector{CredentialBody{.id = kOperator,
                                      .kind = CredentialKind::kOperator,
                                      .roles = static_cast<std::uint8_t>(Role::kAdminister),
                                      .token_hash = gateway::HashToken("pw_operator")}});
  const absl::Status made = SimDaemon::Init(*disk_, [&driver](Journal& journal) {
    for (const OwnedCommand& command : driver.journal) journal.Append(command.view());
  });
  if (!made.ok()) Fault(made.ToString());
}

// A market's rule, the limits of a connection, or who acts for an account, and where it is.
gateway::Definitions Simulation::RandomChanges() {
  gateway::Definitions wanted;
  if (Chance(2)) wanted.markets.push_back(RandomMarket(Chance(2) ? 1 : 2));
  for (std::uint64_t point = 1; point <= kPoints; ++point) {
    if (Chance(6)) wanted.metering_points.push_back(RandomPoint(point));
  }
  for (std::uint64_t number = 1; number <= kAccounts; ++number) {
    if (!Chance(6)) continue;
    AccountBody account = AccountOf(number);
    if (Chance(2)) account.metering_point = MeteringPointId{1 + random_.Below(kPoints)};
    const std::uint64_t owner = 1 + random_.Below(kControllers);
    if (Chance(2)) account.credential = CredentialId{static_cast<std::uint32_t>(owner)};
    wanted.accounts.push_back(account);
  }
  return wanted;
}

bool Simulation::IsDefined(const gateway::Definitions& wanted) const {
  const auto is_defined = [this](const auto& body) { return reference_.Has(body); };
  return std::ranges::all_of(wanted.markets, is_defined) &&
         std::ranges::all_of(wanted.metering_points, is_defined) &&
         std::ranges::all_of(wanted.accounts, is_defined);
}

// Sometimes the disk fails meanwhile, and the power behind it; sometimes it asks for what cannot
// be, of which nothing is left.
void Simulation::Configure() {
  gateway::Definitions wanted = RandomChanges();
  gateway::Actor actor{.uid = kUid, .reason = absl::StrCat("change ", actors_.size())};
  if (Chance(2)) actor.who = kOperator;
  const bool is_possible = !Chance(8);
  if (!is_possible) wanted.accounts.push_back({.id = AccountId{kAccounts + 1}});
  if (is_possible) actors_.push_back(actor);
  if (Chance(4)) BreakDisk();
  const absl::Status status = SimDaemon::Configure(
      *disk_, clock_, wanted, actor, [this](CommandView record) { OnDurable(record); });
  const bool may_fail = broken_ && !absl::IsDataLoss(status);
  if (absl::IsInvalidArgument(status) && !is_possible) {
    ++seen_.refused_acts;
  } else if (status.ok() ? !is_possible || !IsDefined(wanted) : !may_fail) {
    Fault(absl::StrCat("a change of definitions is not done, or done wrong: ", status.ToString()));
  }
  if (broken_ || Chance(4)) Crash();
}

// By whom and why is as it was asked for.
void Simulation::CheckAct(CommandView record) {
  ++seen_.acts;
  const ActBody* act = DefinitionView(record).act();
  const bool is_asked_for =
      act != nullptr && std::ranges::any_of(actors_, [act](const gateway::Actor& actor) {
        const std::uint32_t uid = actor.who == CredentialId{} ? actor.uid : 0;
        return act->who == actor.who && act->uid == uid && act->why() == actor.reason;
      });
  if (is_asked_for) return;
  Fault(absl::StrCat("record ", record.header().sequence, " is an act that nobody asked for"));
}

}  // namespace engine
