// One input of the fuzzer of an operator's files: any text, taken as each of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "gateway/accounts_file.h"
#include "gateway/config.h"
#include "gateway/market_file.h"

namespace gateway {

// A refusal names the file; a market that is taken is taken again as it is written.
inline void TakeConfiguration(std::span<const std::uint8_t> input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const std::string file = "the-file";
  const auto named = [&](const absl::Status& status) {
    return status.ok() || status.message().find(file) != std::string_view::npos;
  };
  CHECK(named(ParseConfig(text, file).status()));
  const auto markets = ParseMarkets(text, file);
  CHECK(named(markets.status()));
  if (markets.ok()) {
    for (const engine::MarketDefinition& market : *markets) {
      const auto again = ParseMarkets(MarketText(market), file);
      CHECK(again.ok() && again->size() == 1 && again->front() == market);
    }
  }
  Definitions definitions;
  CHECK(named(ReadAccounts(text, file, definitions)));
  CHECK(named(ReadCredentials(text, file, definitions)));
  CHECK(named(ReadCertificateRows(text, file, definitions)));
}

}  // namespace gateway
