#include "gateway/definitions.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/limits.h"

namespace gateway {
namespace {

template <typename Body, typename Find>
std::vector<Body> Changed(const std::vector<Body>& wanted, Find find) {
  static_assert(std::has_unique_object_representations_v<Body>);
  std::vector<Body> changed;
  for (const Body& body : wanted) {
    const Body* now = find(body.id);
    if (now == nullptr || std::memcmp(now, &body, sizeof(body)) != 0) changed.push_back(body);
  }
  return changed;
}

// Why the exchange refuses a definition that is possible by itself.
std::string Why(const engine::AccountBody& body, const engine::Exchange& exchange) {
  const auto missing = [](const char* what, std::uint64_t id) {
    return absl::StrCat(what, " ", id, " is not defined");
  };
  if (exchange.FindMarket(body.market) == nullptr) {
    return missing("its market", static_cast<std::uint32_t>(body.market));
  }
  if (exchange.FindCredential(body.credential) == nullptr) {
    return missing("its credential", static_cast<std::uint32_t>(body.credential));
  }
  const engine::AccountBody* now = exchange.FindAccount(body.id);
  if (now != nullptr && (now->party != body.party || now->market != body.market)) {
    return "an account's party and market are fixed; make a new account";
  }
  return "an account, its party and its metering point have ids from 1";
}
std::string Why(const engine::CredentialBody& /*body*/, const engine::Exchange& /*exchange*/) {
  return "another credential has the same token, or its id is 0";
}
std::string Why(const engine::MeteringPointBody& /*body*/, const engine::Exchange& /*exchange*/) {
  return "its id is 0";
}
std::string Why(const engine::MarketDefinition& body, const engine::Exchange& /*exchange*/) {
  return absl::StrCat("up to ", engine::OpenProductsMost(body),
                      " of its products are open at once, and those of all markets together may "
                      "be ",
                      engine::kOpenProductsMax, "; or there are ", engine::kMarketsMax,
                      " markets already");
}

class Applier {
 public:
  Applier(std::int64_t time_ns, engine::Exchange& exchange, Bytes& commands)
      : time_ns_(std::max(time_ns, exchange.time_ns())), exchange_(exchange), commands_(commands) {}

  template <typename Body>
  absl::Status Add(engine::CommandType type, const std::vector<Body>& bodies, const char* what,
                   const Places& places) {
    for (const Body& body : bodies) {
      std::vector<std::uint64_t> memory((sizeof(engine::CommandHeader) + sizeof(body)) / 8);
      auto* bytes = reinterpret_cast<std::byte*>(memory.data());
      const engine::CommandHeader header{
          .sequence = exchange_.sequence() + 1,
          .time_ns = time_ns_,
          .length = static_cast<std::uint32_t>(sizeof(header) + sizeof(body)),
          .type = type,
          .count = 1};
      std::memcpy(bytes, &header, sizeof(header));
      std::memcpy(bytes + sizeof(header), &body, sizeof(body));
      const engine::CommandView view(reinterpret_cast<const engine::CommandHeader*>(bytes));
      if (!exchange_.Apply(view)) {
        const auto id = static_cast<std::uint64_t>(body.id);
        return absl::InvalidArgumentError(
            absl::StrCat(places.Of(id), what, " ", id, ": ", Why(body, exchange_)));
      }
      commands_.insert(commands_.end(), bytes, bytes + header.length);
    }
    return absl::OkStatus();
  }

 private:
  std::int64_t time_ns_;
  engine::Exchange& exchange_;
  Bytes& commands_;
};

}  // namespace

std::string Places::Of(std::uint64_t id) const {
  const auto line = lines.find(id);
  return line == lines.end() ? "" : absl::StrCat(file, ":", line->second, ": ");
}

Definitions Changes(const Definitions& wanted, const engine::Exchange& exchange) {
  return {.markets = Changed(wanted.markets, [&](auto id) { return exchange.FindMarket(id); }),
          .metering_points = Changed(wanted.metering_points,
                                     [&](auto id) { return exchange.FindMeteringPoint(id); }),
          .credentials =
              Changed(wanted.credentials, [&](auto id) { return exchange.FindCredential(id); }),
          .accounts = Changed(wanted.accounts, [&](auto id) { return exchange.FindAccount(id); }),
          .credential_places = wanted.credential_places,
          .account_places = wanted.account_places};
}

absl::Status Apply(const Definitions& definitions, std::int64_t time_ns, engine::Exchange& exchange,
                   Bytes& commands) {
  using engine::CommandType;
  Applier applier(time_ns, exchange, commands);
  absl::Status status = applier.Add(CommandType::kDefineMarket, definitions.markets, "market", {});
  if (status.ok()) {
    status = applier.Add(CommandType::kDefineMeteringPoint, definitions.metering_points,
                         "metering point", {});
  }
  if (status.ok()) {
    status = applier.Add(CommandType::kDefineCredential, definitions.credentials, "credential",
                         definitions.credential_places);
  }
  if (status.ok()) {
    status = applier.Add(CommandType::kDefineAccount, definitions.accounts, "account",
                         definitions.account_places);
  }
  return status;
}

}  // namespace gateway
