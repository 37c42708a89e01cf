#include "tools/feed/journal_export.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
#include "engine/journal/reader.h"
#include "tools/feed/pseudonyms.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::CommandView;

template <typename Id>
std::uint64_t Number(Id id) {
  return static_cast<std::uint64_t>(id);
}

// The last definition of each id, by id.
struct Definitions {
  std::optional<engine::GenesisBody> genesis;
  std::map<engine::MarketId, engine::MarketDefinition> markets;
  std::map<engine::MeteringPointId, engine::MeteringPointBody> metering_points;
  std::map<engine::CredentialId, engine::CredentialBody> credentials;
  std::map<engine::AccountId, engine::AccountBody> accounts;
  std::uint64_t redefined = 0;
  std::int64_t first_time_ns = 0;
};

class JournalExporter {
 public:
  JournalExporter(engine::Disk& disk, const JournalExportOptions& options, const PseudonymKey& key,
                  FeedWriter& feed)
      : disk_(disk), options_(options), key_(key), feed_(feed) {}

  absl::Status Run() {
    if (auto s = ForEach([this](CommandView c) { return Collect(c); }); !s.ok()) return s;
    if (!definitions_.genesis) {
      return absl::InvalidArgumentError(absl::StrCat(options_.folder, ": the journal is empty"));
    }
    for (Pseudonyms* names : {&parties_, &points_, &accounts_, &credentials_}) names->Number();
    if (auto s = Define(); !s.ok()) return s;
    return ForEach([this](CommandView c) { return Send(c); });
  }

  void Report(std::ostream& out) const {
    out << definitions_.accounts.size() << " accounts, " << definitions_.credentials.size()
        << " credentials, " << definitions_.markets.size() << " markets; " << commands_
        << " commands; " << definitions_.redefined
        << " later definitions took the place of earlier ones\n";
  }

 private:
  absl::Status ForEach(const std::function<absl::Status(CommandView)>& take) {
    engine::ReadOptions whole;
    whole.folder = options_.folder;
    return engine::Recover(disk_, whole, take).status();
  }

  template <typename Map, typename Body>
  void Keep(Map& map, const Body& body) {
    if (!map.insert_or_assign(body.id, body).second) ++definitions_.redefined;
  }

  absl::Status Collect(CommandView command) {
    if (command.header().type == CommandType::kGenesis) {
      definitions_.genesis = command.Items<engine::GenesisBody>()[0];
      definitions_.first_time_ns = command.header().time_ns;
    }
    ForEachDefinition(engine::DefinitionView(command),
                      [this](const auto& body) { this->Take(body); });
    return absl::OkStatus();
  }

  void Take(const engine::MarketDefinition& body) { Keep(definitions_.markets, body); }
  void Take(const engine::MeteringPointBody& body) {
    points_.Add(Number(body.id));
    Keep(definitions_.metering_points, body);
  }
  void Take(const engine::CredentialBody& body) {
    credentials_.Add(Number(body.id));
    Keep(definitions_.credentials, body);
  }
  void Take(const engine::AccountBody& body) {
    accounts_.Add(Number(body.id));
    parties_.Add(Number(body.party));
    Keep(definitions_.accounts, body);
  }
  static void Take(const engine::CertificateBody& /*body*/) {}  // No feed has them.

  // Bodies of one kind with their new numbers, by new number: the order says nothing either.
  template <typename Map, typename Rename>
  absl::Status DefineAll(CommandType type, const Map& bodies, const Rename& rename) {
    std::map<typename Map::key_type, typename Map::mapped_type> renamed;
    for (const auto& [id, body] : bodies) {
      auto copy = body;
      rename(copy);
      renamed[copy.id] = copy;
    }
    for (const auto& [id, body] : renamed) {
      if (auto s = feed_.Define(type, definitions_.first_time_ns, body); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status Define() {
    engine::GenesisBody genesis = *definitions_.genesis;
    genesis = {.order_capacity = genesis.order_capacity};
    auto s = feed_.Define(CommandType::kGenesis, definitions_.first_time_ns, genesis);
    if (!s.ok()) return s;
    s = DefineAll(CommandType::kDefineMarket, definitions_.markets, [](auto&) {});
    if (!s.ok()) return s;
    s = DefineAll(CommandType::kDefineMeteringPoint, definitions_.metering_points,
                  [this](auto& body) { body.id = New(points_, body.id); });
    if (!s.ok()) return s;
    s = DefineAll(CommandType::kDefineCredential, definitions_.credentials, [this](auto& body) {
      body.id = New(credentials_, body.id);
      body.token_hash = {};
      body.roles = engine::kNoRoles;
    });
    if (!s.ok()) return s;
    return DefineAll(CommandType::kDefineAccount, definitions_.accounts, [this](auto& body) {
      body.id = New(accounts_, body.id);
      body.party = New(parties_, body.party);
      body.metering_point = New(points_, body.metering_point);
      body.credential = New(credentials_, body.credential);
    });
  }

  template <typename Id>
  Id New(const Pseudonyms& names, Id id) const {
    return static_cast<Id>(names.Of(Number(id)));
  }

  template <typename Body>
  void Rename(Body& body) const {
    if constexpr (requires { body.client_order_id; }) {
      body.client_order_id = static_cast<engine::ClientOrderId>(
          key_.Hash('o', Number(body.account), Number(body.client_order_id),
                    (Number(body.product.market) << 32) | body.product.start_minute));
      body.account = New(accounts_, body.account);
    } else if (body.account != engine::AccountId{}) {  // Zero is all of the credential's.
      body.account = New(accounts_, body.account);
    }
  }

  template <typename Body>
  absl::Status SendAll(CommandView command) {
    const std::span<const Body> items = command.Items<Body>();
    std::vector<Body> renamed(items.begin(), items.end());
    for (Body& body : renamed) Rename(body);
    return Append(command, command.header().type, std::span<const Body>(renamed));
  }

  template <typename Body>
  absl::Status Append(CommandView command, CommandType type, std::span<const Body> bodies) {
    ++commands_;
    return feed_.Append(type, command.header().time_ns,
                        New(credentials_, command.header().credential), bodies);
  }

  absl::Status Send(CommandView command) {
    switch (command.header().type) {
      case CommandType::kSubmitOrders:
      case CommandType::kReplaceOrders:
        return SendAll<engine::OrderBody>(command);
      case CommandType::kCancelOrders:
        return SendAll<engine::OrderKeyBody>(command);
      case CommandType::kReplyQuantities:
        return SendAll<engine::QuantityBody>(command);
      case CommandType::kCancelAll:
        return SendAll<engine::OrderScopeBody>(command);
      case CommandType::kDisconnect: {
        const engine::OrderScopeBody all;
        return Append(command, CommandType::kCancelAll, std::span(&all, 1));
      }
      default:
        return absl::OkStatus();
    }
  }

  engine::Disk& disk_;
  const JournalExportOptions& options_;
  const PseudonymKey& key_;
  FeedWriter& feed_;
  Definitions definitions_;
  Pseudonyms parties_{key_, 'p'};
  Pseudonyms points_{key_, 'm'};
  Pseudonyms accounts_{key_, 'a'};
  Pseudonyms credentials_{key_, 'c'};
  std::uint64_t commands_ = 0;
};

}  // namespace

absl::Status ExportJournal(engine::Disk& disk, const JournalExportOptions& options,
                           FeedWriter& feed, std::ostream& report) {
  const auto key = PseudonymKey::Read(options.key_file);
  if (!key.ok()) return key.status();
  JournalExporter exporter(disk, options, *key, feed);
  if (auto s = exporter.Run(); !s.ok()) return s;
  exporter.Report(report);
  return absl::OkStatus();
}

}  // namespace tools
