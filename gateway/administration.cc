#include "gateway/administration.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/entry_version.h"
#include "engine/journal/disk.h"
#include "gateway/accounts_file.h"
#include "gateway/act_reason.h"
#include "gateway/market_file.h"
#include "gateway/memory_plan.h"
#include "gateway/token.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

constexpr std::uint32_t kOnlyShard = 0;
constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;

std::int64_t WallNs() {
  timespec time{};
  CHECK(::clock_gettime(CLOCK_REALTIME, &time) == 0);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void ApplyGenesis(const engine::ClusterDescription& description, std::uint64_t order_capacity,
                  std::int64_t time_ns, engine::Exchange& exchange, Bytes& commands) {
  struct {
    engine::CommandHeader header;
    engine::GenesisBody body;
  } genesis;
  genesis.header.sequence = 1;
  genesis.header.time_ns = time_ns;
  genesis.header.length = sizeof(genesis);
  genesis.header.type = engine::CommandType::kGenesis;
  genesis.header.version = engine::NewestVersion(genesis.header.type);
  genesis.header.count = 1;
  genesis.body = {.cluster_id = description.cluster_id,
                  .shard = kOnlyShard,
                  .shard_count = description.shard_count,
                  .order_capacity = order_capacity};
  static_assert(sizeof(genesis) == sizeof(engine::CommandHeader) + sizeof(engine::GenesisBody));
  CHECK(exchange.Apply(engine::CommandView(&genesis.header)));
  const auto* bytes = reinterpret_cast<const std::byte*>(&genesis);
  commands.insert(commands.end(), bytes, bytes + sizeof(genesis));
}

// The capacity is fixed for good: no start on this machine could ever give it.
absl::Status CheckFits(const engine::Exchange& exchange) {
  Config least;
  least.max_connections = 1;
  least.connection_memory_mib = 1;
  least.journal_snapshot_segments = 0;
  const MemoryPlan plan = PlanMemory(least, exchange);
  if (CheckMemory(plan, least).ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("an order capacity of ", exchange.genesis().order_capacity,
                   " is more than this machine has memory for: ", Describe(plan)));
}

absl::Status AppendAll(const Bytes& commands, engine::Journal& journal) {
  for (std::size_t at = 0; at < commands.size();) {
    const engine::CommandView command(
        reinterpret_cast<const engine::CommandHeader*>(commands.data() + at));
    if (!journal.HasRoom(command.header().length)) {
      if (absl::Status status = journal.Settle(); !status.ok()) return status;
    }
    journal.Append(command);
    at += command.header().length;
  }
  return journal.Settle();
}

absl::Status CheckReason(const std::string& reason) {
  if (IsReadableReason(reason)) return absl::OkStatus();
  return absl::InvalidArgumentError(kReasonsAllowed);
}

Actor UserWho(const std::string& reason) { return {.uid = ::getuid(), .reason = reason}; }

absl::StatusOr<Actor> FindActor(const ConfigureOptions& options, const engine::Exchange& exchange) {
  if (options.operator_id == engine::CredentialId{}) return UserWho(options.reason);
  auto token = ReadText(options.token_file);
  if (!token.ok()) return token.status();
  while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
  const engine::CredentialBody* credential = exchange.FindCredential(options.operator_id);
  const char* wrong = nullptr;
  if (credential == nullptr || credential->kind != engine::CredentialKind::kOperator) {
    wrong = "there is no such operator";
  } else if (token->empty() || credential->token_hash != HashToken(*token)) {
    wrong = "the token is not its token";
  } else if (!engine::Has(*credential, engine::Role::kAdminister)) {
    wrong = "it does not have the role administer";
  }
  if (wrong == nullptr) return Actor{.who = options.operator_id, .reason = options.reason};
  return absl::FailedPreconditionError(
      absl::StrCat("operator ", static_cast<std::uint32_t>(options.operator_id), ": ", wrong));
}

absl::Status WriteFirstJournal(const engine::DataDirectory& directory, const Bytes& commands) {
  std::string writer;
  auto journal = OpenJournal(directory, Config(), engine::JournalTail(), &writer);
  if (!journal.ok()) return journal.status();
  return AppendAll(commands, **journal);
}

}  // namespace

engine::ClockScale ScaleOf(const engine::ClusterDescription& description) {
  return {.origin_ns = description.clock_origin_ns,
          .wall_at_init_ns = description.clock_wall_ns,
          .factor = description.clock_factor};
}

absl::StatusOr<Definitions> ReadDefinitions(const DefinitionFiles& files) {
  Definitions definitions;
  if (!files.markets.empty()) {
    const auto text = ReadText(files.markets);
    if (!text.ok()) return text.status();
    auto markets = ParseMarkets(*text, files.markets);
    if (!markets.ok()) return markets.status();
    definitions.markets = *std::move(markets);
  }
  if (!files.credentials.empty()) {
    const auto text = ReadText(files.credentials);
    if (!text.ok()) return text.status();
    absl::Status status = ReadCredentials(*text, files.credentials, definitions);
    if (!status.ok()) return status;
  }
  if (!files.accounts.empty()) {
    const auto text = ReadText(files.accounts);
    if (!text.ok()) return text.status();
    absl::Status status = ReadAccounts(*text, files.accounts, definitions);
    if (!status.ok()) return status;
  }
  if (!files.certificates.empty()) {
    const auto text = ReadText(files.certificates);
    if (!text.ok()) return text.status();
    absl::Status status = ReadCertificateRows(*text, files.certificates, definitions);
    if (!status.ok()) return status;
  }
  return definitions;
}

absl::StatusOr<std::string> Initialise(const InitOptions& options) {
  if (absl::Status status = CheckReason(options.reason); !status.ok()) return status;
  auto definitions = ReadDefinitions(options.files);
  if (!definitions.ok()) return definitions.status();
  if (std::ranges::find(definitions->credentials, kFirstOperator, &engine::CredentialBody::id) !=
      definitions->credentials.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(definitions->credential_places.Of(static_cast<std::uint64_t>(kFirstOperator)),
                     "init makes this operator itself; configure may change it afterwards"));
  }
  const auto token = MakeToken();
  const auto cluster_id = engine::MakeClusterId();
  if (!token || !cluster_id.ok()) {
    return absl::UnavailableError("the system gives no random numbers");
  }
  definitions->credentials.push_back({.id = kFirstOperator,
                                      .kind = engine::CredentialKind::kOperator,
                                      .roles = engine::kAllRoles,
                                      .token_hash = HashToken(*token)});
  const std::int64_t wall_ns = WallNs();
  const std::int64_t origin_ns = options.clock_origin_ns.value_or(wall_ns);
  if (origin_ns < 0 || origin_ns >= engine::kTimeNsMax) {
    return absl::InvalidArgumentError(
        "clock origin: allowed is a time from 1970-01-01T00:00:00Z to before 2200-01-01T00:00:00Z");
  }
  const engine::ClusterDescription description{.cluster_id = *cluster_id,
                                               .shard_count = options.shards,
                                               .clock_origin_ns = origin_ns,
                                               .clock_wall_ns = wall_ns,
                                               .clock_factor = options.clock_factor};
  engine::Exchange exchange;
  Bytes commands;
  const std::int64_t time_ns = description.clock_origin_ns;
  ApplyGenesis(description, options.order_capacity, time_ns, exchange, commands);
  absl::Status status = Apply(*definitions, UserWho(options.reason), time_ns, exchange, commands);
  if (status.ok()) status = CheckFits(exchange);
  if (!status.ok()) return status;
  engine::Disk& disk = engine::PosixDisk();
  auto directory = engine::DataDirectory::Create(disk, options.data, description);
  if (!directory.ok()) return directory.status();
  status = directory->OpenLotteryKey(disk).status();
  if (status.ok()) status = WriteFirstJournal(*directory, commands);
  if (status.ok()) status = directory->Commit(disk);
  if (!status.ok()) return status;
  return *token;
}

absl::StatusOr<std::size_t> Configure(const ConfigureOptions& options) {
  if (absl::Status status = CheckReason(options.reason); !status.ok()) return status;
  const auto wanted = ReadDefinitions(options.files);
  if (!wanted.ok()) return wanted.status();
  auto directory = engine::DataDirectory::Open(engine::PosixDisk(), options.data);
  if (!directory.ok()) return directory.status();
  auto shard = RecoverShard(*directory);
  if (!shard.ok()) return shard.status();
  const auto actor = FindActor(options, *shard->exchange);
  if (!actor.ok()) return actor.status();
  const Definitions changes = Changes(*wanted, *shard->exchange);
  if (changes.size() == 0) return std::size_t{0};
  // All are applied before the first is journaled: a refused one leaves nothing behind.
  engine::ExchangeClock clock(ScaleOf(directory->description()));
  Bytes commands;
  absl::Status status = Apply(changes, *actor, clock.NowNs(), *shard->exchange, commands);
  if (!status.ok()) return status;
  std::string writer;
  auto journal = OpenJournal(*directory, Config(), shard->recovery.tail, &writer);
  if (!journal.ok()) return journal.status();
  status = AppendAll(commands, **journal);
  if (!status.ok()) return status;
  return changes.size();
}

absl::StatusOr<OpenShard> RecoverShard(const engine::DataDirectory& directory,
                                       engine::EventStore* store) {
  if (const std::uint32_t shards = directory.description().shard_count; shards != 1) {
    return absl::FailedPreconditionError(absl::StrCat("the data directory was made for ", shards,
                                                      " shards; this program serves one"));
  }
  std::unique_ptr<engine::Exchange> exchange;
  auto recovery = engine::RecoverFromSnapshot(
      engine::PosixDisk(),
      {.folder = directory.ShardFolder(kOnlyShard), .identity = directory.Identity(kOnlyShard)},
      exchange, store);
  if (!recovery.ok()) return recovery.status();
  // The first records are on disk before the directory opens for the first time.
  if (recovery->sequence == 0) {
    return absl::DataLossError(absl::StrCat(
        directory.ShardFolder(kOnlyShard), ": no journal, though the data directory is a complete ",
        "one: mount what belongs there, or restore a backup"));
  }
  return OpenShard{.exchange = std::move(exchange), .recovery = *std::move(recovery)};
}

absl::StatusOr<std::unique_ptr<engine::EventStore>> OpenEventStore(
    const engine::DataDirectory& directory, const Config& config) {
  return engine::EventStore::Open(
      engine::PosixDisk(), {.folder = directory.ShardFolder(kOnlyShard),
                            .identity = directory.Identity(kOnlyShard),
                            .bytes_max = static_cast<std::uint64_t>(config.outbox_limit_mib) << 20,
                            .keep_ns = config.outbox_keep_hours * 3'600 * 1'000'000'000});
}

engine::Follower MakeFollower(const engine::DataDirectory& directory, const Config& config,
                              const engine::Recovery& recovery, engine::Outbox& outbox,
                              engine::Clock& clock) {
  return engine::Follower(
      engine::PosixDisk(),
      {.folder = directory.ShardFolder(kOnlyShard),
       .identity = directory.Identity(kOnlyShard),
       .segments_a_snapshot = static_cast<std::uint64_t>(config.journal_snapshot_segments),
       .before_sequence = recovery.snapshot_sequence + 1,
       .keep_free_bytes = static_cast<std::uint64_t>(config.journal_segment_mib) << 21,
       .outbox = &outbox,
       .keep_ns = config.journal_keep_days * kDayNs,
       .clock = &clock});
}

absl::StatusOr<std::unique_ptr<engine::Journal>> OpenJournal(const engine::DataDirectory& directory,
                                                             const Config& config,
                                                             const engine::JournalTail& tail,
                                                             std::string* writer_description,
                                                             bool takes_spare) {
  const std::string folder = directory.ShardFolder(kOnlyShard);
  auto writer = engine::MakeBatchWriter(folder, config.journal_backend);
  if (!writer.ok()) return writer.status();
  *writer_description = (*writer)->description();
  engine::JournalOptions options;
  options.folder = folder;
  options.identity = directory.Identity(kOnlyShard);
  options.segment_bytes = static_cast<std::uint64_t>(config.journal_segment_mib) << 20;
  options.batch_bytes = static_cast<std::size_t>(config.journal_batch_kib) << 10;
  options.takes_spare = takes_spare;
  return engine::Journal::Open(engine::PosixDisk(), *std::move(writer), std::move(options), tail);
}

}  // namespace gateway
