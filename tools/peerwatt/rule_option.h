// A round rule on a command line: its name, its parameters, the secret of its lottery.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/core/market_definition.h"

namespace tools {

// `parameters` are texts such as "k=1/2", "margin=time", "self_trade=cancel_older", each once.
absl::StatusOr<engine::RuleParameters> ParseRule(const std::string& rule,
                                                 const std::vector<std::string>& parameters);

// 64 hex digits, not all zero; only where the rule has a lottery.
absl::StatusOr<engine::LotteryBytes> ParseSecret(const engine::RuleParameters& rule,
                                                 const std::string& hex);

}  // namespace tools
