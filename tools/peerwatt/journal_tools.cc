#include "tools/peerwatt/journal_tools.h"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/core/act.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/disk.h"
#include "engine/journal/reader.h"
#include "engine/runtime/recovery.h"
#include "tools/peerwatt/journal_text.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::CommandView;

absl::StatusOr<std::vector<engine::ReadOptions>> Journals(const std::string& path) {
  const absl::StatusOr<engine::ClusterDescription> cluster =
      engine::DataDirectory::Read(engine::PosixDisk(), path);
  if (!cluster.ok()) return cluster.status();
  std::vector<engine::ReadOptions> journals;
  for (std::uint32_t shard = 0; shard < cluster->shard_count; ++shard) {
    engine::ReadOptions options;
    options.folder = engine::FolderOfShard(path, shard);
    options.identity = engine::JournalIdentity{cluster->cluster_id, shard};
    journals.push_back(std::move(options));
  }
  return journals;
}

std::string Product(const engine::ProductId& product) {
  return absl::StrCat(
      "market=", static_cast<std::uint32_t>(product.market), " delivery=",
      absl::FormatTime("%Y-%m-%dT%H:%MZ",
                       absl::FromUnixSeconds(std::int64_t{product.start_minute} * 60),
                       absl::UTCTimeZone()));
}

void DumpOrders(CommandView command, std::ostream& out) {
  for (const engine::OrderBody& order : command.Items<engine::OrderBody>()) {
    out << "    account=" << static_cast<std::uint64_t>(order.account)
        << " client_order_id=" << static_cast<std::uint64_t>(order.client_order_id) << " "
        << Product(order.product) << (order.side == engine::Side::kBuy ? " buy " : " sell ")
        << order.energy_wh << " Wh at " << order.limit_ticks << " ticks\n";
  }
}

void DumpOutcome(const engine::OutcomeBody& outcome, std::ostream& out) {
  out << "    " << Product(outcome.product) << " round=" << outcome.round;
  if (outcome.result == engine::RoundResult::kVoid) out << " void";
  if (outcome.result == engine::RoundResult::kNoTrade) out << " no trade";
  if (outcome.no_trade != engine::Reason::kNone) {
    out << ": " << engine::ReasonName(outcome.no_trade);
  }
  if (outcome.result == engine::RoundResult::kTraded) {
    out << " buy_price_ticks=" << outcome.buy_price_ticks
        << " sell_price_ticks=" << outcome.sell_price_ticks
        << " operator_balance_units=" << outcome.operator_balance_units
        << " energy_wh=" << outcome.energy_wh << " fills=" << outcome.fills
        << " digest=" << engine::ToHex(outcome.digest);
  }
  out << "\n";
}

void DumpProduct(const engine::ProductBody& body, std::ostream& out) {
  out << "    " << Product(body.product) << " round=" << body.round;
  if (body.step > 0) out << " step=" << body.step;
  if (body.lottery != engine::LotteryBytes{}) out << " lottery=" << engine::ToHex(body.lottery);
  out << "\n";
}

void DumpBodies(CommandView command, std::ostream& out) {
  switch (command.header().type) {
    case CommandType::kSubmitOrders:
    case CommandType::kReplaceOrders:
      DumpOrders(command, out);
      break;
    case CommandType::kCancelOrders:
      for (const engine::OrderKeyBody& key : command.Items<engine::OrderKeyBody>()) {
        out << "    account=" << static_cast<std::uint64_t>(key.account)
            << " client_order_id=" << static_cast<std::uint64_t>(key.client_order_id) << " "
            << Product(key.product) << "\n";
      }
      break;
    case CommandType::kOpenProduct:
    case CommandType::kCloseRound:
    case CommandType::kFinishRound:
    case CommandType::kStepGame:
    case CommandType::kContinueMatching:
      for (const engine::ProductBody& body : command.Items<engine::ProductBody>()) {
        DumpProduct(body, out);
      }
      break;
    case CommandType::kReplyQuantities:
      for (const engine::QuantityBody& body : command.Items<engine::QuantityBody>()) {
        out << "    account=" << static_cast<std::uint64_t>(body.account)
            << " client_order_id=" << static_cast<std::uint64_t>(body.client_order_id) << " "
            << Product(body.product) << " round=" << body.round << " step=" << body.step
            << " takes " << body.demand_nwh << " nWh\n";
      }
      break;
    case CommandType::kOutcome:
      for (const engine::OutcomeBody& body : command.Items<engine::OutcomeBody>()) {
        DumpOutcome(body, out);
      }
      break;
    case CommandType::kRunningDigest:
      for (const engine::RunningDigestBody& body : command.Items<engine::RunningDigestBody>()) {
        out << "    digest=" << engine::ToHex(body.digest) << "\n";
      }
      break;
    default:
      break;
  }
}

void DumpRecord(CommandView command, std::ostream& out) {
  const engine::CommandHeader& header = command.header();
  const engine::DefinitionView definitions(command);
  out << header.sequence << " " << TimeText(header.time_ns) << " "
      << CommandName(definitions.type());
  if (const engine::ActBody* act = definitions.act(); act != nullptr) WriteActor(*act, out);
  if (header.credential != engine::CredentialId{}) {
    out << " credential=" << static_cast<std::uint32_t>(header.credential);
  }
  if (header.client_seq != 0) out << " client_seq=" << header.client_seq;
  out << " items=" << header.count << "\n";
  WriteDefinitions(definitions, out);
  DumpBodies(command, out);
}

// Of what is kept of every shard's journal.
template <typename Take>
absl::Status ForEachRecord(const std::string& data_directory, bool being_written, Take take) {
  const absl::StatusOr<std::vector<engine::ReadOptions>> journals = Journals(data_directory);
  if (!journals.ok()) return journals.status();
  for (engine::ReadOptions options : *journals) {
    options.from_sequence = engine::kFromTheBeginning;
    options.being_written = being_written;
    absl::StatusOr<std::unique_ptr<engine::JournalReader>> reader =
        engine::JournalReader::Open(engine::PosixDisk(), options);
    if (!reader.ok()) return reader.status();
    for (;;) {
      const absl::StatusOr<std::optional<CommandView>> record = (*reader)->Next();
      if (!record.ok()) return record.status();
      if (!*record) break;
      take(**record);
    }
  }
  return absl::OkStatus();
}

// Calls replayed(shard, recovery) for each shard whose journal is whole.
template <typename Replayed>
absl::Status ReplayAll(const std::string& data_directory, Replayed replayed) {
  const absl::StatusOr<std::vector<engine::ReadOptions>> journals = Journals(data_directory);
  if (!journals.ok()) return journals.status();
  for (const engine::ReadOptions& options : *journals) {
    engine::Exchange exchange;
    const absl::StatusOr<engine::Recovery> recovery =
        engine::RecoverExchange(engine::PosixDisk(), options, exchange);
    if (!recovery.ok()) return recovery.status();
    replayed(options, *recovery);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DumpJournal(const std::string& data_directory, std::ostream& out) {
  return ForEachRecord(data_directory, /*being_written=*/false,
                       [&out](CommandView record) { DumpRecord(record, out); });
}

absl::Status ListActs(const std::string& data_directory, std::ostream& out) {
  const absl::StatusOr<bool> being_written = engine::DataDirectory::IsInUse(data_directory);
  if (!being_written.ok()) return being_written.status();
  out << kActsHeader << "\n";
  return ForEachRecord(data_directory, *being_written,
                       [&out](CommandView record) { WriteActRows(record, out); });
}

absl::Status VerifyJournal(const std::string& data_directory, std::ostream& out) {
  return ReplayAll(data_directory,
                   [&](const engine::ReadOptions& options, const engine::Recovery& recovery) {
                     const std::uint64_t before = recovery.snapshot_sequence;
                     out << options.folder << ": " << recovery.sequence - before << " records and "
                         << recovery.rounds << " rounds come out as they were recorded";
                     if (before > 0) {
                       out << ", from the snapshot of sequence " << before
                           << " on: the journal's beginning was removed";
                     }
                     for (const std::string& damaged : recovery.damaged) {
                       out << "; passed over: " << damaged;
                     }
                     if (recovery.tail.cut) {
                       out << "; an unacknowledged batch at " << recovery.tail.cut->file
                           << " offset " << recovery.tail.cut->offset << " is left out";
                     }
                     out << "\n";
                   });
}

absl::Status PrintJournalDigest(const std::string& data_directory, std::ostream& out) {
  return ReplayAll(
      data_directory, [&](const engine::ReadOptions&, const engine::Recovery& recovery) {
        out << "seq=" << recovery.sequence << " digest=" << engine::ToHex(recovery.digest) << "\n";
      });
}

}  // namespace tools
