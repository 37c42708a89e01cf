#include "tools/peerwatt/journal_text.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/core/hex.h"
#include "engine/core/utf8.h"
#include "gateway/act_reason.h"
#include "gateway/market_file.h"

namespace tools {
namespace {

using engine::CommandType;

template <typename Id>
std::uint64_t Number(Id id) {
  return static_cast<std::uint64_t>(id);
}

// What a credentials file says, with + between.
std::string RolesText(const engine::CredentialBody& credential) {
  constexpr std::array<std::pair<engine::Role, const char*>, 4> kNames = {
      {{engine::Role::kRead, "read"},
       {engine::Role::kOperate, "operate"},
       {engine::Role::kAdminister, "administer"},
       {engine::Role::kSurveillance, "surveillance"}}};
  std::string text;
  for (const auto& [role, name] : kNames) {
    if (Has(credential, role)) absl::StrAppend(&text, text.empty() ? "" : "+", name);
  }
  return text.empty() ? "none" : text;
}

struct DefinitionWriter {
  std::ostream& out;

  void operator()(const engine::MarketDefinition& body) const {
    out << "    market=" << Number(body.id) << "\n";
    if (!engine::IsPossible(body)) return;
    std::istringstream lines(gateway::MarketText(body));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line[0] != '[') out << "        " << Escaped(line) << "\n";
    }
  }
  void operator()(const engine::MeteringPointBody& body) const {
    out << "    metering_point=" << Number(body.id) << " import_limit_w=" << body.import_limit_w
        << " export_limit_w=" << body.export_limit_w << "\n";
  }
  void operator()(const engine::AccountBody& body) const {
    out << "    account=" << Number(body.id) << " party=" << Number(body.party)
        << " metering_point=" << Number(body.metering_point) << " market=" << Number(body.market)
        << " credential=" << Number(body.credential) << "\n";
  }
  void operator()(const engine::CredentialBody& body) const {
    out << "    credential=" << Number(body.id) << " kind=" << KindName(body.kind)
        << " roles=" << RolesText(body) << " orders_per_second=" << body.orders_per_second << "\n";
  }
  void operator()(const engine::CertificateBody& body) const {
    const bool none = body.hash == engine::CertificateHash{};
    out << "    credential=" << Number(body.credential) << " place=" << Number(body.place)
        << " certificate_sha256=" << (none ? "none" : engine::ToHex(body.hash)) << "\n";
  }
};

template <typename Body>
std::uint64_t IdOf(const Body& body) {
  return Number(body.id);
}
std::uint64_t IdOf(const engine::CertificateBody& body) { return Number(body.credential); }

void AppendBytes(std::string_view bytes, std::string& text) {
  for (const std::byte byte : std::as_bytes(std::span(bytes))) {
    absl::StrAppend(&text, "\\x", engine::ToHex({&byte, 1}));
  }
}

// A reason is whatever an operator likes, and who opens the list in a spreadsheet is another.
std::string ReasonField(std::string_view reason) {
  constexpr std::string_view kFormulas = "=+-@\t";
  const bool is_formula = !reason.empty() && kFormulas.find(reason[0]) != std::string_view::npos;
  std::string field(is_formula ? 1 : 0, '\'');
  field.append(reason);
  return Quoted(field);
}

}  // namespace

std::string TimeText(std::int64_t time_ns) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromUnixNanos(time_ns),
                          absl::UTCTimeZone());
}

const char* CommandName(CommandType type) {
  switch (type) {
    case CommandType::kGenesis:
      return "genesis";
    case CommandType::kDefineMarket:
      return "define_market";
    case CommandType::kDefineMeteringPoint:
      return "define_metering_point";
    case CommandType::kDefineAccount:
      return "define_account";
    case CommandType::kDefineCredential:
      return "define_credential";
    case CommandType::kDefineCertificate:
      return "define_certificate";
    case CommandType::kAct:
      return "act";
    case CommandType::kSubmitOrders:
      return "submit_orders";
    case CommandType::kReplaceOrders:
      return "replace_orders";
    case CommandType::kCancelOrders:
      return "cancel_orders";
    case CommandType::kCancelAll:
      return "cancel_all";
    case CommandType::kDisconnect:
      return "disconnect";
    case CommandType::kOpenProduct:
      return "open_product";
    case CommandType::kCloseRound:
      return "close_round";
    case CommandType::kFinishRound:
      return "finish_round";
    case CommandType::kReplyQuantities:
      return "reply_quantities";
    case CommandType::kStepGame:
      return "step_game";
    case CommandType::kResumeGames:
      return "resume_games";
    case CommandType::kContinueMatching:
      return "continue_matching";
    case CommandType::kAdoptEntry:
      return "adopt_entry";
    case CommandType::kOutcome:
      return "outcome";
    case CommandType::kRunningDigest:
      return "running_digest";
    case CommandType::kListOpenOrders:
      return "list_open_orders";
    case CommandType::kLogon:
      return "logon";
    case CommandType::kListProducts:
      return "list_products";
  }
  return "unknown";
}

const char* KindName(engine::CredentialKind kind) {
  constexpr std::array kNames = {"device", "aggregator", "operator"};
  return static_cast<std::size_t>(kind) < kNames.size() ? kNames[static_cast<std::size_t>(kind)]
                                                        : "unknown";
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    std::string_view rest = text;
    const std::optional<std::uint32_t> character = engine::TakeCharacter(rest);
    const std::size_t bytes = character ? text.size() - rest.size() : 1;
    if (character && !gateway::IsInvisible(*character)) {
      escaped += text.substr(0, bytes);
    } else {
      AppendBytes(text.substr(0, bytes), escaped);
    }
    text.remove_prefix(bytes);
  }
  return escaped;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : Escaped(text)) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

void WriteActor(const engine::ActBody& act, std::ostream& out) {
  out << " who=" << Number(act.who);
  if (act.who == engine::CredentialId{}) out << " uid=" << act.uid;
  out << " reason=" << Quoted(act.why());
}

void WriteDefinitions(const engine::DefinitionView& definitions, std::ostream& out) {
  ForEachDefinition(definitions, DefinitionWriter{out});
}

void WriteActRows(engine::CommandView record, std::ostream& out) {
  const engine::CommandHeader& header = record.header();
  const engine::DefinitionView definitions(record);
  const engine::ActBody* act = definitions.act();
  std::string begin = absl::StrCat(header.sequence, ",", TimeText(header.time_ns), ",");
  if (act != nullptr) absl::StrAppend(&begin, Number(act->who));
  absl::StrAppend(&begin, ",");
  if (act != nullptr && act->who == engine::CredentialId{}) absl::StrAppend(&begin, act->uid);
  absl::StrAppend(&begin, ",", CommandName(definitions.type()), ",");
  const std::string why = act != nullptr ? ReasonField(act->why()) : "";
  if (header.type == CommandType::kGenesis) out << begin << ",\n";
  ForEachDefinition(definitions,
                    [&](const auto& body) { out << begin << IdOf(body) << "," << why << "\n"; });
}

}  // namespace tools
