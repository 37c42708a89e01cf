#include "gateway/look_log.h"

#include <cstdint>

#include <spdlog/spdlog.h>

namespace gateway {

void LogLook(const engine::Event& event) {
  const auto who = static_cast<std::uint32_t>(event.credential);
  if (event.type == engine::EventType::kOpenOrdersEnd) {
    const engine::ListEndEvent& end = event.list_end;
    if (end.account == engine::AccountId{} && end.market == engine::MarketId{}) return;
    spdlog::info("surveillance: operator {} looked at {} open orders of market={} account={}", who,
                 end.told, static_cast<std::uint32_t>(end.market),
                 static_cast<std::uint64_t>(end.account));
  } else if (event.type == engine::EventType::kAnswer &&
             event.answer.command == engine::CommandType::kListOpenOrders &&
             event.answer.reason == engine::Reason::kNotAuthorised) {
    spdlog::info("surveillance: operator {} was refused a look at others' open orders", who);
  }
}

}  // namespace gateway
