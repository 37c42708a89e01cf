#include "tools/peerwatt/replay_plan.h"

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/feed/csv.h"
#include "tools/feed/feed_file.h"

namespace tools {
namespace {

using engine::CommandType;

template <typename Number>
absl::StatusOr<Number> Cell(const CsvReader& csv, std::size_t column) {
  Number value{};
  const std::string_view text = csv.cell(column);
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &value)) {
    return csv.Error(column, "expected a whole number");
  }
  return value;
}

class Planner {
 public:
  absl::Status ReadTokens(const std::string& path);
  absl::Status ReadAccounts(const std::string& path);
  absl::Status CheckConnections(std::size_t connections) const;
  absl::Status ReadFeed(const std::string& path);
  ReplayPlan Take() { return std::move(plan_); }

 private:
  void AddItems(engine::CommandView command);
  void AddDefinitions(engine::CommandView command);
  void AddCancelAll(const engine::CommandHeader& header, const engine::OrderScopeBody& scope);
  void Add(const engine::CommandHeader& header, const engine::OrderBody& order);

  ReplayPlan plan_;
  std::string accounts_path_;
  std::optional<engine::AccountId> unknown_account_;
  absl::flat_hash_map<std::uint32_t, std::uint32_t> client_of_credential_;
  absl::flat_hash_map<engine::AccountId, std::uint32_t> client_of_account_;
  absl::flat_hash_map<engine::CredentialId, std::vector<engine::AccountId>> feed_accounts_;
};

absl::Status Planner::ReadTokens(const std::string& path) {
  absl::StatusOr<CsvReader> csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  const absl::StatusOr<std::size_t> credential = csv->Column("credential");
  const absl::StatusOr<std::size_t> token = csv->Column("token");
  if (!credential.ok()) return credential.status();
  if (!token.ok()) return token.status();
  for (;;) {
    const absl::StatusOr<bool> row = csv->NextRow();
    if (!row.ok()) return row.status();
    if (!*row) break;
    const absl::StatusOr<std::uint32_t> id = Cell<std::uint32_t>(*csv, *credential);
    if (!id.ok()) return id.status();
    client_of_credential_[*id] = static_cast<std::uint32_t>(plan_.clients.size());
    plan_.clients.push_back({engine::CredentialId{*id}, std::string(csv->cell(*token))});
  }
  if (plan_.clients.empty()) return absl::InvalidArgumentError(path + ": has no credential");
  return absl::OkStatus();
}

absl::Status Planner::CheckConnections(std::size_t connections) const {
  if (connections == 0 || connections == plan_.clients.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--connections ", connections, ": the accounts belong to ", plan_.clients.size(),
      " credentials, and each has one connection: make a daemon from the files of `peerwatt feed "
      "setup --credentials ",
      connections, "`, which deals the accounts out to so many"));
}

absl::Status Planner::ReadAccounts(const std::string& path) {
  accounts_path_ = path;
  absl::StatusOr<CsvReader> csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  const absl::StatusOr<std::size_t> account = csv->Column("account");
  const absl::StatusOr<std::size_t> credential = csv->Column("credential");
  if (!account.ok()) return account.status();
  if (!credential.ok()) return credential.status();
  for (;;) {
    const absl::StatusOr<bool> row = csv->NextRow();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    const absl::StatusOr<std::uint64_t> id = Cell<std::uint64_t>(*csv, *account);
    const absl::StatusOr<std::uint32_t> owner = Cell<std::uint32_t>(*csv, *credential);
    if (!id.ok()) return id.status();
    if (!owner.ok()) return owner.status();
    const auto client = client_of_credential_.find(*owner);
    if (client == client_of_credential_.end()) {
      return csv->Error(*credential, absl::StrCat("tokens.csv has no credential ", *owner));
    }
    client_of_account_[engine::AccountId{*id}] = client->second;
  }
}

void Planner::Add(const engine::CommandHeader& header, const engine::OrderBody& order) {
  const auto client = client_of_account_.find(order.account);
  if (client == client_of_account_.end()) {
    if (!unknown_account_) unknown_account_ = order.account;
    return;
  }
  plan_.items.push_back({header.time_ns, header.type, client->second, order});
}

void Planner::AddDefinitions(engine::CommandView command) {
  if (command.header().type == CommandType::kDefineMarket) {
    for (const auto& market : command.Items<engine::MarketDefinition>()) {
      plan_.markets[market.id] = market;
    }
  }
  if (command.header().type == CommandType::kDefineAccount) {
    for (const auto& account : command.Items<engine::AccountBody>()) {
      feed_accounts_[account.credential].push_back(account.id);
    }
  }
}

// Of all of the feed's credential where the scope names no account.
void Planner::AddCancelAll(const engine::CommandHeader& header,
                           const engine::OrderScopeBody& scope) {
  std::vector<engine::AccountId> accounts = {scope.account};
  if (scope.account == engine::AccountId{}) accounts = feed_accounts_[header.credential];
  for (const engine::AccountId account : accounts) {
    Add(header, {.account = account, .product = {scope.market, 0}});
  }
}

void Planner::AddItems(engine::CommandView command) {
  const engine::CommandHeader& header = command.header();
  AddDefinitions(command);
  if (header.type == CommandType::kSubmitOrders || header.type == CommandType::kReplaceOrders) {
    for (const auto& order : command.Items<engine::OrderBody>()) Add(header, order);
  }
  if (header.type == CommandType::kCancelOrders) {
    for (const auto& key : command.Items<engine::OrderKeyBody>()) {
      Add(header,
          {.account = key.account, .client_order_id = key.client_order_id, .product = key.product});
    }
  }
  if (header.type == CommandType::kCancelAll) {
    for (const auto& scope : command.Items<engine::OrderScopeBody>()) AddCancelAll(header, scope);
  }
}

absl::Status Planner::ReadFeed(const std::string& path) {
  absl::StatusOr<FeedReader> feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  for (;;) {
    const absl::StatusOr<std::optional<engine::CommandView>> record = feed->Next();
    if (!record.ok()) return record.status();
    if (!*record) return absl::OkStatus();
    AddItems(**record);
    if (unknown_account_) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": record ", (*record)->header().sequence, ": account ",
                       static_cast<std::uint64_t>(*unknown_account_), " is not in ", accounts_path_,
                       ": was that made from this feed?"));
    }
  }
}

}  // namespace

std::string DefaultSetupFolder(const std::string& feed) { return feed + ".setup"; }

absl::StatusOr<ReplayPlan> MakeReplayPlan(const std::string& feed, const std::string& setup_folder,
                                          std::size_t connections) {
  Planner planner;
  absl::Status status = planner.ReadTokens(setup_folder + "/tokens.csv");
  if (status.ok()) status = planner.ReadAccounts(setup_folder + "/accounts.csv");
  if (status.ok()) status = planner.CheckConnections(connections);
  if (status.ok()) status = planner.ReadFeed(feed);
  if (!status.ok()) return status;
  return planner.Take();
}

}  // namespace tools
