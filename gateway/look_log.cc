#include "gateway/look_log.h"

#include <memory>
#include <utility>

#include <spdlog/spdlog.h>

namespace gateway {
namespace {

constexpr std::int64_t kMinuteNs = std::int64_t{60} * 1'000'000'000;

// To where the log goes, but by a logger that has no level.
template <typename... Values>
void Say(spdlog::format_string_t<Values...> format, Values&&... values) {
  const std::shared_ptr<spdlog::logger> log = spdlog::default_logger()->clone("surveillance");
  log->set_level(spdlog::level::info);
  log->flush_on(spdlog::level::info);
  log->info(format, std::forward<Values>(values)...);
}

std::uint32_t Number(engine::CredentialId who) { return static_cast<std::uint32_t>(who); }

}  // namespace

bool LookLog::Take(const engine::Event& event) {
  const engine::ListEndEvent& look = event.list_end;
  if (event.type == engine::EventType::kLook) {
    Say("surveillance: operator {} looks at open orders of market={} account={}",
        Number(event.credential), static_cast<std::uint32_t>(look.market),
        static_cast<std::uint64_t>(look.account));
    return true;
  }
  if (event.type == engine::EventType::kOpenOrdersEnd) {
    if (look.account == engine::AccountId{} && look.market == engine::MarketId{}) return false;
    Say("surveillance: operator {} looked at {} open orders of market={} account={}",
        Number(event.credential), look.told, static_cast<std::uint32_t>(look.market),
        static_cast<std::uint64_t>(look.account));
  } else if (event.type == engine::EventType::kAnswer &&
             event.answer.command == engine::CommandType::kListOpenOrders &&
             event.answer.reason == engine::Reason::kNotAuthorised) {
    Refused(event.credential);
  }
  return false;
}

void LookLog::Refused(engine::CredentialId who) {
  const std::int64_t now_ns = clock_.MonotonicNs();
  SayCounts(now_ns);
  const auto [at, first] = refused_.try_emplace(who, Refusals{.said_ns = now_ns});
  if (first) {
    Say("surveillance: operator {} was refused a look at others' open orders", Number(who));
  } else {
    ++at->second.since;
  }
}

void LookLog::SayCounts(std::int64_t now_ns) {
  for (auto at = refused_.begin(); at != refused_.end();) {
    auto& [who, refusals] = *at;
    if (now_ns - kMinuteNs < refusals.said_ns) {
      ++at;
    } else if (refusals.since == 0) {
      at = refused_.erase(at);
    } else {
      Say("surveillance: operator {} was refused a look at others' open orders {} times more",
          Number(who), refusals.since);
      refusals = {.said_ns = now_ns};
      ++at;
    }
  }
}

}  // namespace gateway
