#include "tools/peerwatt/rule_option.h"

#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/hex.h"
#include "gateway/absl_view.h"

namespace tools {
namespace {

absl::Status SetParameter(std::string_view name, std::string_view value,
                          engine::RuleParameters& rule) {
  const engine::RuleParameter* parameter = engine::FindRuleParameter(name);
  if (parameter != nullptr && parameter->belongs_to(rule.rule)) {
    if (parameter->set(rule, value)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("parameter ", gateway::Absl(name), "=",
                                                   gateway::Absl(value), ": expected ",
                                                   gateway::Absl(parameter->allowed)));
  }
  std::string known;
  for (const engine::RuleParameter& each : engine::AllRuleParameters()) {
    if (!each.belongs_to(rule.rule)) continue;
    absl::StrAppend(&known, known.empty() ? "" : ", ", gateway::Absl(each.name), " (",
                    gateway::Absl(each.allowed), ")");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("parameter ", gateway::Absl(name), ": the rule has ", known));
}

}  // namespace

absl::StatusOr<engine::RuleParameters> ParseRule(const std::string& rule,
                                                 const std::vector<std::string>& parameters) {
  const engine::RuleEntry* entry = engine::FindRule(rule);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("rule ", rule, ": known are ", engine::RuleNames()));
  }
  engine::RuleParameters parsed{.rule = entry->rule, .rule_version = entry->version};
  std::set<std::string_view> given;
  for (const std::string& parameter : parameters) {
    const std::size_t equals = parameter.find('=');
    const std::string_view text = parameter;
    const std::string_view name = text.substr(0, equals);
    const absl::Status status =
        SetParameter(name, equals == std::string::npos ? "" : text.substr(equals + 1), parsed);
    if (!status.ok()) return status;
    if (given.insert(name).second) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("rule ", rule, ": parameter ", gateway::Absl(name), " twice"));
  }
  if (const engine::RuleParameter* missing = engine::FindImpossible(parsed); missing != nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("rule ", rule, ": parameter ",
                                                   gateway::Absl(missing->name), ": expected ",
                                                   gateway::Absl(missing->allowed)));
  }
  if (!engine::IsPossible(parsed)) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameters that do not go together: objective: ",
                     gateway::Absl(engine::FindRuleParameter("objective")->meaning)));
  }
  const bool descends = parsed.schedule == engine::Schedule::kDescending;
  if (parsed.announce_from == engine::AnnounceFrom::kBand && !descends) {
    return absl::InvalidArgumentError("announce_from=band: only with schedule=descending");
  }
  return parsed;
}

absl::StatusOr<engine::LotteryBytes> ParseSecret(const engine::RuleParameters& rule,
                                                 const std::string& hex) {
  if (!engine::FindRule(rule.rule, rule.rule_version)->has_lottery) {
    return absl::InvalidArgumentError("secret: the rule has no lottery");
  }
  engine::LotteryBytes secret{};
  if (!engine::FromHex(hex, secret) || secret == engine::LotteryBytes{}) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret ", hex, ": expected 64 hex digits in lower case, not all 0"));
  }
  return secret;
}

}  // namespace tools
