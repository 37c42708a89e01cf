#include "gateway/accounts_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "gateway/absl_view.h"
#include "gateway/token.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

// The lines behind the header, field by field.
class CsvLines {
 public:
  CsvLines(std::string_view text, std::string file) : rest_(text), file_(std::move(file)) {}

  // `longer`: another one that may stand there.
  absl::Status CheckHeader(std::string_view header, std::string_view longer = "") {
    const bool has_line = NextLine();
    for (const std::string_view allowed : {header, longer}) {
      if (!has_line || allowed.empty() || line_ != allowed) continue;
      names_ = Split(allowed);
      return absl::OkStatus();
    }
    return ErrorAt(file_, 1,
                   absl::StrCat("the first line must be: ", Absl(header),
                                longer.empty() ? "" : " or ", Absl(longer)));
  }

  // Empty lines are passed over. Ensures: false at the end.
  absl::StatusOr<bool> Next() {
    do {
      if (!NextLine()) return false;
    } while (line_.empty());
    fields_ = Split(line_);
    if (fields_.size() == names_.size()) return true;
    return Error(absl::StrCat(fields_.size(), " fields where the header has ", names_.size()));
  }

  // A field as a whole number.
  absl::StatusOr<std::uint64_t> Number(std::size_t column, std::uint64_t low,
                                       std::uint64_t high) const {
    std::uint64_t number = 0;
    const std::string_view text = fields_[column];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && number >= low &&
        number <= high) {
      return number;
    }
    return FieldError(column, absl::StrCat("a whole number from ", low, " to ", high));
  }
  std::string_view Text(std::size_t column) const { return fields_[column]; }
  std::size_t columns() const { return names_.size(); }
  std::uint32_t number() const { return number_; }

  absl::Status FieldError(std::size_t column, absl::string_view allowed) const {
    return Error(absl::StrCat(Absl(names_[column]), " = \"", Absl(fields_[column]),
                              "\": allowed is ", allowed));
  }
  absl::Status Error(const std::string& message) const { return ErrorAt(file_, number_, message); }

 private:
  static std::vector<std::string_view> Split(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
      const std::size_t comma = line.find(',');
      fields.push_back(line.substr(0, comma));
      if (comma == std::string_view::npos) return fields;
      line.remove_prefix(comma + 1);
    }
  }

  bool NextLine() {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    ++number_;
    return true;
  }

  std::string_view rest_;
  std::string file_;
  std::string_view line_;
  std::uint32_t number_ = 0;
  std::vector<std::string_view> names_;
  std::vector<std::string_view> fields_;
};

// The numbers of a line, or the first error in it.
class LineNumbers {
 public:
  explicit LineNumbers(const CsvLines& lines) : lines_(lines) {}

  std::uint64_t Take(std::size_t column, std::uint64_t low, std::uint64_t high) {
    const auto number = lines_.Number(column, low, high);
    if (!number.ok() && status_.ok()) status_ = number.status();
    return number.ok() ? *number : 0;
  }
  const absl::Status& status() const { return status_; }

 private:
  const CsvLines& lines_;
  absl::Status status_;
};

using MeteringPoints = absl::flat_hash_map<engine::MeteringPointId, std::size_t>;

absl::Status AddMeteringPoint(const engine::MeteringPointBody& point, const CsvLines& lines,
                              MeteringPoints& known, Definitions& definitions) {
  const auto [at, fresh] = known.try_emplace(point.id, definitions.metering_points.size());
  if (fresh) {
    definitions.metering_points.push_back(point);
    return absl::OkStatus();
  }
  const engine::MeteringPointBody& before = definitions.metering_points[at->second];
  if (before.import_limit_w == point.import_limit_w &&
      before.export_limit_w == point.export_limit_w) {
    return absl::OkStatus();
  }
  return lines.Error(absl::StrCat("metering point ", static_cast<std::uint64_t>(point.id),
                                  " has other limits on an earlier line"));
}

std::optional<engine::CredentialKind> KindOf(std::string_view word) {
  if (word == "device") return engine::CredentialKind::kDevice;
  if (word == "aggregator") return engine::CredentialKind::kAggregator;
  if (word == "operator") return engine::CredentialKind::kOperator;
  return std::nullopt;
}

// Words with a space between, none twice; none at all is no role.
std::optional<std::uint8_t> RolesOf(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, engine::Role>, 4> kRoles = {
      {{"read", engine::Role::kRead},
       {"operate", engine::Role::kOperate},
       {"administer", engine::Role::kAdminister},
       {"surveillance", engine::Role::kSurveillance}}};
  std::uint8_t roles = engine::kNoRoles;
  for (bool more = !text.empty(); more;) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    const auto* const found =
        std::ranges::find_if(kRoles, [word](const auto& role) { return role.first == word; });
    if (found == kRoles.end()) return std::nullopt;
    const auto bit = static_cast<std::uint8_t>(found->second);
    if ((roles & bit) != 0) return std::nullopt;
    roles |= bit;
    more = space != std::string_view::npos;
    if (more) text.remove_prefix(space + 1);
  }
  return roles;
}

absl::Status TakeRoles(const CsvLines& lines, engine::CredentialBody& credential) {
  constexpr std::size_t kColumn = 4;
  if (lines.columns() <= kColumn) return absl::OkStatus();
  const auto roles = RolesOf(lines.Text(kColumn));
  if (!roles) {
    return lines.FieldError(
        kColumn, "read, operate, administer, surveillance, some with a space between, or nothing");
  }
  if (*roles != engine::kNoRoles && credential.kind != engine::CredentialKind::kOperator) {
    return lines.FieldError(kColumn, "nothing: only operators have roles");
  }
  credential.roles = *roles;
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadAccounts(std::string_view text, const std::string& file,
                          Definitions& definitions) {
  CsvLines lines(text, file);
  if (absl::Status status = lines.CheckHeader(kAccountsHeader); !status.ok()) return status;
  definitions.account_places = {.file = file};
  absl::flat_hash_set<engine::AccountId> known;
  MeteringPoints points;
  while (true) {
    const auto more = lines.Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    LineNumbers numbers(lines);
    const engine::MeteringPointBody point{
        .id = engine::MeteringPointId(numbers.Take(2, 1, UINT64_MAX)),
        .import_limit_w = static_cast<std::uint32_t>(numbers.Take(5, 0, UINT32_MAX)),
        .export_limit_w = static_cast<std::uint32_t>(numbers.Take(6, 0, UINT32_MAX))};
    const engine::AccountBody account{
        .id = engine::AccountId(numbers.Take(0, 1, UINT64_MAX)),
        .party = engine::PartyId(numbers.Take(1, 1, UINT64_MAX)),
        .metering_point = point.id,
        .market = engine::MarketId(static_cast<std::uint32_t>(numbers.Take(3, 1, UINT32_MAX))),
        .credential =
            engine::CredentialId(static_cast<std::uint32_t>(numbers.Take(4, 1, UINT32_MAX)))};
    if (!numbers.status().ok()) return numbers.status();
    if (!known.insert(account.id).second) {
      return lines.Error(
          absl::StrCat("account ", static_cast<std::uint64_t>(account.id), " twice"));
    }
    if (absl::Status status = AddMeteringPoint(point, lines, points, definitions); !status.ok()) {
      return status;
    }
    definitions.accounts.push_back(account);
    definitions.account_places.lines[static_cast<std::uint64_t>(account.id)] = lines.number();
  }
}

absl::Status ReadCredentials(std::string_view text, const std::string& file,
                             Definitions& definitions) {
  CsvLines lines(text, file);
  absl::Status header = lines.CheckHeader(kCredentialsHeader, kCredentialsRolesHeader);
  if (!header.ok()) return header;
  definitions.credentials_say_roles = lines.columns() > 4;
  definitions.credential_places = {.file = file};
  absl::flat_hash_set<engine::CredentialId> known;
  absl::flat_hash_set<engine::TokenHash> tokens;
  while (true) {
    const auto more = lines.Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    LineNumbers numbers(lines);
    engine::CredentialBody credential{
        .id = engine::CredentialId(static_cast<std::uint32_t>(numbers.Take(0, 1, UINT32_MAX))),
        .orders_per_second = static_cast<std::uint32_t>(numbers.Take(3, 0, UINT32_MAX))};
    if (!numbers.status().ok()) return numbers.status();
    const auto kind = KindOf(lines.Text(1));
    if (!kind) return lines.FieldError(1, "device, aggregator or operator");
    credential.kind = *kind;
    if (credential.id == kFirstOperator && *kind != engine::CredentialKind::kOperator) {
      return lines.FieldError(0, "a whole number from 1 to 4294967294, or an operator");
    }
    const auto hash = HashFromHex(lines.Text(2));
    if (!hash) return lines.FieldError(2, "64 hex digits in lower case");
    credential.token_hash = *hash;
    if (absl::Status status = TakeRoles(lines, credential); !status.ok()) return status;
    if (!known.insert(credential.id).second) {
      return lines.Error(
          absl::StrCat("credential ", static_cast<std::uint32_t>(credential.id), " twice"));
    }
    if (!tokens.insert(*hash).second) return lines.Error("a token that an earlier line has");
    definitions.credentials.push_back(credential);
    definitions.credential_places.lines[static_cast<std::uint64_t>(credential.id)] = lines.number();
  }
}

absl::Status ReadCertificateRows(std::string_view text, const std::string& file,
                                 Definitions& definitions) {
  CsvLines lines(text, file);
  if (absl::Status status = lines.CheckHeader(kCertificatesHeader); !status.ok()) return status;
  definitions.certificate_places = {.file = file};
  absl::flat_hash_set<engine::CertificateHash> known;
  while (true) {
    const auto more = lines.Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    LineNumbers numbers(lines);
    const auto id =
        engine::CredentialId(static_cast<std::uint32_t>(numbers.Take(0, 1, UINT32_MAX)));
    if (!numbers.status().ok()) return numbers.status();
    const bool none = lines.Text(1).empty();
    const auto hash = HashFromHex(lines.Text(1));
    if (!none && !hash) return lines.FieldError(1, "64 hex digits in lower case, or nothing");
    auto& hashes = definitions.certificates[id];
    const bool first =
        !definitions.certificate_places.lines.contains(static_cast<std::uint64_t>(id));
    definitions.certificate_places.lines[static_cast<std::uint64_t>(id)] = lines.number();
    if (none && first) continue;
    if (none || (!first && hashes.empty())) {
      return lines.Error("a credential with a row for no certificate has no other row");
    }
    if (hashes.size() == engine::kCertificatesACredential) {
      return lines.Error(absl::StrCat("a third certificate of credential ",
                                      static_cast<std::uint32_t>(id), "; two are allowed"));
    }
    if (!known.insert(*hash).second) return lines.Error("a certificate that an earlier line has");
    hashes.push_back(*hash);
  }
}

}  // namespace gateway
