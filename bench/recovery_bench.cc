// How long a start takes: from the whole journal, and from a snapshot with the journal behind it;
// beside one pass over the journal's bytes. Files lie in the folder that TMPDIR names.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/core/check.h"
#include "engine/core/product.h"
#include "engine/journal/journal.h"
#include "engine/journal/reader.h"
#include "engine/runtime/follower.h"
#include "engine/runtime/own_command.h"
#include "engine/runtime/recovery.h"

namespace engine {
namespace {

constexpr JournalIdentity kIdentity{.cluster_id = {std::byte{1}}, .shard = 0};
constexpr MarketId kMarket{1};
constexpr std::uint32_t kHomes = 20'000;
constexpr std::int64_t kStartNs = std::int64_t{1'700'000'100} * kSecondNs;
constexpr std::int64_t kBetweenOrdersNs = 1'000'000;  // 900,000 orders a slot.

// An exchange whose commands are journaled, as a shard does it, one frame with one order after the
// other; every home has some orders in each book.
class City {
 public:
  City(const std::string& folder, std::uint64_t orders) {
    auto writer = MakeBatchWriter(folder, WriterChoice::kAuto);
    CHECK(writer.ok());
    auto journal = Journal::Open(PosixDisk(), *std::move(writer),
                                 {.folder = folder, .identity = kIdentity}, JournalTail());
    CHECK(journal.ok());
    journal_ = *std::move(journal);
    Define();
    for (std::uint64_t i = 0; i < orders; ++i) Submit(i);
    CHECK(journal_->Settle().ok());
  }

 private:
  template <typename Body>
  void Do(CommandType type, const Body& body, CredentialId credential = {},
          std::uint64_t client_seq = 0) {
    OwnCommand<Body> command(type, body);
    command.header.sequence = exchange_.sequence() + 1;
    command.header.time_ns = now_ns_;
    command.header.credential = credential;
    command.header.client_seq = client_seq;
    const CommandView view(&command.header);
    CHECK(!IsFromClient(type) || exchange_.Screen(view));
    CHECK(exchange_.Apply(view));
    if (!journal_->HasRoom(sizeof(command))) CHECK(journal_->Settle().ok());
    journal_->Append(view);
    if (const std::optional<OutcomeBody> outcome = exchange_.TakeOutcome()) {
      Do(CommandType::kOutcome, *outcome);
    }
    std::vector<Event> nowhere(256);
    while (exchange_.Draining()) exchange_.Drain(nowhere);
  }

  void Define() {
    Do(CommandType::kGenesis, GenesisBody{.order_capacity = std::uint64_t{1} << 22});
    MarketDefinition market;
    market.id = kMarket;
    market.open_before_s = 1'800;
    Do(CommandType::kDefineMarket, market);
    for (std::uint32_t home = 1; home <= kHomes; ++home) {
      CredentialBody credential{.id = CredentialId{home}};
      std::memcpy(credential.token_hash.data(), &home, sizeof(home));
      Do(CommandType::kDefineCredential, credential);
      Do(CommandType::kDefineMeteringPoint, MeteringPointBody{.id = MeteringPointId{home}});
      Do(CommandType::kDefineAccount, AccountBody{.id = AccountId{home},
                                                  .party = PartyId{home},
                                                  .metering_point = MeteringPointId{home},
                                                  .market = kMarket,
                                                  .credential = CredentialId{home}});
    }
  }

  void Submit(std::uint64_t i) {
    now_ns_ += kBetweenOrdersNs;
    for (std::optional<DueCommand> due = exchange_.NextDue(); due && due->due_ns <= now_ns_;
         due = exchange_.NextDue()) {
      Do(due->type, due->body);
    }
    const auto home = static_cast<std::uint32_t>(1 + i % kHomes);
    const bool buys = home % 2 == 0;
    // The second slot from now on: its gate is at least ten minutes away.
    const auto start = static_cast<std::uint32_t>(now_ns_ / (900 * kSecondNs) * 15 + 30);
    Do(CommandType::kSubmitOrders,
       OrderBody{.account = AccountId{home},
                 .client_order_id = ClientOrderId{i + 1},
                 .product = {kMarket, start},
                 .limit_ticks = static_cast<std::int32_t>((buys ? 300 : 200) + i % 100),
                 .energy_wh = static_cast<std::uint32_t>(100 + i % 900),
                 .side = buys ? Side::kBuy : Side::kSell},
       CredentialId{home}, i / kHomes + 1);
  }

  Exchange exchange_;
  std::unique_ptr<Journal> journal_;
  std::int64_t now_ns_ = kStartNs;
};

// A folder with the journal of so many orders and the follower's snapshot, made once.
class Folder {
 public:
  explicit Folder(std::uint64_t orders) {
    const std::filesystem::path base =
        std::filesystem::temp_directory_path() / "peerwatt-recovery-XXXXXX";
    path_ = base.string();
    CHECK(::mkdtemp(path_.data()) != nullptr);
    { const City city(path_, orders); }
    Follower follower(PosixDisk(), {.folder = path_, .identity = kIdentity});
    const std::atomic<bool> go_on{false};
    CHECK(follower.Follow(go_on).ok());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ReadOptions options() const { return {.folder = path_, .identity = kIdentity}; }

  static const Folder& Of(std::uint64_t orders) {
    static std::map<std::uint64_t, std::unique_ptr<Folder>> folders;
    auto& folder = folders[orders];
    if (folder == nullptr) folder = std::make_unique<Folder>(orders);
    return *folder;
  }

 private:
  std::string path_;
};

void BM_FromTheWholeJournal(benchmark::State& state) {
  const Folder& folder = Folder::Of(static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) {
    Exchange exchange;
    CHECK(RecoverExchange(PosixDisk(), folder.options(), exchange).ok());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_FromTheSnapshot(benchmark::State& state) {
  const Folder& folder = Folder::Of(static_cast<std::uint64_t>(state.range(0)));
  std::uint64_t behind = 0;
  for (auto _ : state) {
    std::unique_ptr<Exchange> exchange;
    const auto recovery = RecoverFromSnapshot(PosixDisk(), folder.options(), exchange);
    CHECK(recovery.ok());
    behind = recovery->sequence - recovery->snapshot_sequence;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["behind"] = static_cast<double>(behind);  // Commands that were replayed.
}

void BM_BaselinePassOverTheBytes(benchmark::State& state) {
  const Folder& folder = Folder::Of(static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    CHECK(Recover(PosixDisk(), folder.options(), [&sum](CommandView command) {
            sum += command.header().sequence;
            return absl::OkStatus();
          }).ok());
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("commands")->Unit(benchmark::kMillisecond)->UseRealTime();
  bench->Arg(1'000'000)->Arg(10'000'000);
}
BENCHMARK(BM_FromTheWholeJournal)->Apply(Sizes);
BENCHMARK(BM_FromTheSnapshot)->Apply(Sizes);
BENCHMARK(BM_BaselinePassOverTheBytes)->Apply(Sizes);

}  // namespace
}  // namespace engine
