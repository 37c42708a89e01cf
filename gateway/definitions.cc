#include "gateway/definitions.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
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
  return "an account, its party and its metering point have ids from 1; and while it has open "
         "orders "
         "no operator's act makes an operator its owner";
}
std::string Why(const engine::CredentialBody& /*body*/, const engine::Exchange& /*exchange*/) {
  return "another credential has the same token, or its id is 0, or it has roles and is no "
         "operator; or it sees sealed orders by this, which an operator without surveillance may "
         "not "
         "bring about";
}
std::string Why(const engine::CertificateBody& body, const engine::Exchange& exchange) {
  return exchange.FindCredential(body.credential) == nullptr
             ? "there is no such credential"
             : "another credential has it, or its own has surveillance and the operator has not";
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

template <typename Body>
std::uint64_t IdOf(const Body& body) {
  return static_cast<std::uint64_t>(body.id);
}
std::uint64_t IdOf(const engine::CertificateBody& body) {
  return static_cast<std::uint64_t>(body.credential);
}

// When, by whom and why.
struct Occasion {
  std::int64_t time_ns = 0;
  const Actor& actor;
};

class Applier {
 public:
  Applier(const Occasion& occasion, engine::Exchange& exchange, Bytes& commands)
      : time_ns_(std::max(occasion.time_ns, exchange.time_ns())),
        actor_(occasion.actor),
        exchange_(exchange),
        commands_(commands) {}

  // In as few acts as they fit into; one by one where the exchange refuses that, so that what is
  // wrong is found, and is not where some only cannot be done together.
  template <typename Body>
  absl::Status Add(engine::CommandType type, const std::vector<Body>& bodies, const char* what,
                   const Places& places) {
    std::span<const Body> rest = bodies;
    while (!rest.empty()) {
      const auto some = rest.first(std::min(rest.size(), engine::kDefinitionsAnAct<Body>));
      rest = rest.subspan(some.size());
      if (Act(type, some)) continue;
      for (const Body& body : some) {
        if (Act(type, std::span(&body, 1))) continue;
        const std::uint64_t id = IdOf(body);
        return absl::InvalidArgumentError(absl::StrCat(places.Of(id), what, " ", id, ": ",
                                                       MayAct() ? Why(body, exchange_) : kGaveUp));
      }
    }
    return absl::OkStatus();
  }

 private:
  template <typename Body>
  bool Act(engine::CommandType type, std::span<const Body> bodies) {
    const engine::ActBody act = engine::MakeAct(actor_.who, actor_.uid, type, actor_.reason);
    engine::CommandHeader header{.sequence = exchange_.sequence() + 1,
                                 .time_ns = time_ns_,
                                 .type = engine::CommandType::kAct,
                                 .count = static_cast<std::uint32_t>(bodies.size())};
    header.length = static_cast<std::uint32_t>(sizeof(header) + sizeof(act) + bodies.size_bytes());
    std::vector<std::uint64_t> memory(header.length / 8);
    auto* bytes = reinterpret_cast<std::byte*>(memory.data());
    std::memcpy(bytes, &header, sizeof(header));
    std::memcpy(bytes + sizeof(header), &act, sizeof(act));
    std::memcpy(bytes + sizeof(header) + sizeof(act), bodies.data(), bodies.size_bytes());
    const engine::CommandView view(reinterpret_cast<const engine::CommandHeader*>(bytes));
    if (!exchange_.Apply(view)) return false;
    commands_.insert(commands_.end(), bytes, bytes + header.length);
    return true;
  }

  bool MayAct() const {
    const engine::CredentialBody* who = exchange_.FindCredential(actor_.who);
    return who == nullptr || engine::Has(*who, engine::Role::kAdminister);
  }

  static constexpr const char* kGaveUp =
      "the operator that acts gives up the role administer before this: change that last";

  std::int64_t time_ns_;
  const Actor& actor_;
  engine::Exchange& exchange_;
  Bytes& commands_;
};

}  // namespace

std::string Places::Of(std::uint64_t id) const {
  const auto line = lines.find(id);
  return line == lines.end() ? "" : absl::StrCat(file, ":", line->second, ": ");
}

namespace {

// What changes a credential's certificates to those that are wanted: first which go, then which
// come. One that stays keeps its place.
std::vector<engine::CertificateBody> CertificateChanges(
    engine::CredentialId id, const std::vector<engine::CertificateHash>& wanted,
    const engine::Exchange& exchange) {
  std::array<engine::CertificateHash, engine::kCertificatesACredential> now =
      exchange.FindCertificates(id);
  std::vector<engine::CertificateBody> changes;
  const auto set = [&](std::size_t place, const engine::CertificateHash& hash) {
    now[place] = hash;
    changes.push_back({.credential = id, .place = static_cast<std::uint8_t>(place), .hash = hash});
  };
  for (std::size_t place = 0; place < now.size(); ++place) {
    const bool stays = std::ranges::find(wanted, now[place]) != wanted.end();
    if (now[place] != engine::CertificateHash{} && !stays) set(place, {});
  }
  for (const engine::CertificateHash& hash : wanted) {
    if (std::ranges::find(now, hash) != now.end()) continue;
    const auto* const free = std::ranges::find(now, engine::CertificateHash{});
    set(static_cast<std::size_t>(free - now.begin()), hash);
  }
  return changes;
}

// Where their file says nothing of roles, operators keep what they have.
std::vector<engine::CredentialBody> WithRoles(const Definitions& wanted,
                                              const engine::Exchange& exchange) {
  std::vector<engine::CredentialBody> credentials = wanted.credentials;
  if (wanted.credentials_say_roles) return credentials;
  for (engine::CredentialBody& credential : credentials) {
    const engine::CredentialBody* now = exchange.FindCredential(credential.id);
    const bool is_operator = credential.kind == engine::CredentialKind::kOperator;
    if (now != nullptr && is_operator) credential.roles = now->roles;
  }
  return credentials;
}

}  // namespace

Definitions Changes(const Definitions& wanted, const engine::Exchange& exchange) {
  std::map<engine::CredentialId, std::vector<engine::CertificateHash>> certificates;
  for (const auto& [id, hashes] : wanted.certificates) {
    if (!CertificateChanges(id, hashes, exchange).empty()) certificates[id] = hashes;
  }
  return {.markets = Changed(wanted.markets, [&](auto id) { return exchange.FindMarket(id); }),
          .metering_points = Changed(wanted.metering_points,
                                     [&](auto id) { return exchange.FindMeteringPoint(id); }),
          .credentials = Changed(WithRoles(wanted, exchange),
                                 [&](auto id) { return exchange.FindCredential(id); }),
          .accounts = Changed(wanted.accounts, [&](auto id) { return exchange.FindAccount(id); }),
          .certificates = std::move(certificates),
          .credential_places = wanted.credential_places,
          .account_places = wanted.account_places,
          .certificate_places = wanted.certificate_places};
}

absl::Status Apply(const Definitions& definitions, const Actor& actor, std::int64_t time_ns,
                   engine::Exchange& exchange, Bytes& commands) {
  using engine::CommandType;
  Applier applier({.time_ns = time_ns, .actor = actor}, exchange, commands);
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
  // A certificate may go from one credential to another: all that go before all that come.
  std::vector<engine::CertificateBody> going;
  std::vector<engine::CertificateBody> coming;
  for (const auto& [id, hashes] : definitions.certificates) {
    for (const auto& change : CertificateChanges(id, hashes, exchange)) {
      (change.hash == engine::CertificateHash{} ? going : coming).push_back(change);
    }
  }
  for (const auto* changes : {&going, &coming}) {
    if (!status.ok()) break;
    status = applier.Add(CommandType::kDefineCertificate, *changes, "the certificate of credential",
                         definitions.certificate_places);
  }
  return status;
}

}  // namespace gateway
