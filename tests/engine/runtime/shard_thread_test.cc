#include "engine/runtime/shard_thread.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/recovery.h"
#include "tests/engine/runtime/shard_world.h"
#include "tests/support/journal_folder.h"

namespace engine {
namespace {

// The real thing: threads, files and the wall clock.
class RunningShard : public testing::Test {
 protected:
  static constexpr std::size_t kGateways = 2;

  RunningShard() : gateway_doorbells_(kGateways) {}

  void SetUp() override {
    ExchangeDriver driver;
    driver.now_ns = clock_.NowNs() - 1'000'000'000;
    driver.AddMarket(SmallMarket());
    driver.AddAccount(1);
    driver.AddAccount(2);
    std::unique_ptr<Exchange> exchange;
    std::unique_ptr<Journal> journal = Open(exchange);
    for (const OwnedCommand& command : driver.journal) journal->Append(command.view());
    ASSERT_TRUE(journal->Settle().ok());
    journal.reset();
    Start();
  }

  std::unique_ptr<Journal> Open(std::unique_ptr<Exchange>& exchange) {
    exchange = std::make_unique<Exchange>();
    const absl::StatusOr<Recovery> recovery = RecoverExchange(
        PosixDisk(), {.folder = folder_.path(), .identity = kWorldIdentity}, *exchange);
    EXPECT_TRUE(recovery.ok()) << recovery.status();
    recovered_ = *recovery;
    absl::StatusOr<std::unique_ptr<BatchWriter>> writer =
        MakeBatchWriter(folder_.path(), WriterChoice::kAuto);
    EXPECT_TRUE(writer.ok()) << writer.status();
    const JournalOptions options{.folder = folder_.path(),
                                 .identity = kWorldIdentity,
                                 .segment_bytes = std::uint64_t{1} << 20,
                                 .batch_bytes = std::size_t{1} << 17};
    absl::StatusOr<std::unique_ptr<Journal>> journal =
        Journal::Open(PosixDisk(), *std::move(writer), options, recovery->tail);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }

  void Start() {
    std::unique_ptr<Exchange> exchange;
    std::unique_ptr<Journal> journal = Open(exchange);
    std::vector<ShardEnd> ends;
    gateways_.clear();
    for (std::size_t i = 0; i < kGateways; ++i) {
      Link link = MakeLink({.command_bytes = 1 << 17, .events = 64}, gateway_doorbells_[i],
                           shard_doorbell_);
      gateways_.push_back(std::move(link.gateway));
      ends.push_back(std::move(link.shard));
    }
    shard_ = std::make_unique<Shard>(std::move(exchange), std::move(journal), clock_,
                                     std::move(ends), ShardOptions{.held_events = 1'024});
    thread_ =
        std::make_unique<ShardThread>(*shard_, shard_doorbell_, "shard-0",
                                      [](const absl::Status& status) { ADD_FAILURE() << status; });
  }

  void Send(GatewayEnd& gateway, const OwnedCommand& command) {
    const std::span<const std::byte> bytes = command.view().bytes();
    for (;;) {
      const std::int64_t stamp = gateway.BeginRead(clock_);
      CommandHeader* to = gateway.commands.Claim(static_cast<std::uint32_t>(bytes.size()));
      if (to != nullptr) {
        std::memcpy(to, bytes.data(), bytes.size());
        to->time_ns = stamp;
        gateway.commands.Commit();
        gateway.commands.Publish();
      }
      gateway.EndRead();
      gateway.RingShard();
      if (to != nullptr) return;
      std::this_thread::yield();
    }
  }

  // Waits for events and hands each to `see` until that says true.
  template <typename See>
  void Receive(GatewayEnd& gateway, See see) {
    for (bool done = false; !done;) {
      const auto ready = gateway.events.Ready();
      if (ready.empty()) {
        gateway.own_doorbell().PrepareToSleep();
        if (gateway.events.Ready().empty()) gateway.own_doorbell().Sleep(-1);
        gateway.own_doorbell().WakeUp();
        continue;
      }
      for (const Event& event : ready) done = see(event) || done;
      gateway.events.Consume(ready.size());
      gateway.RingShard();
    }
  }

  void Logon(GatewayEnd& gateway, std::uint32_t credential) {
    LogonBody body{.session = credential};
    std::memcpy(body.hash.data(), &credential, sizeof(credential));
    CommandHeader header;
    header.type = CommandType::kLogon;
    Send(gateway, OwnedCommand(header, std::span<const LogonBody>(&body, 1)));
    Receive(gateway, [](const Event& event) { return event.type == EventType::kLogonAnswer; });
  }

  // Sends `frames` of orders that are all refused, and waits for every answer.
  void Trade(GatewayEnd& gateway, std::uint32_t credential, std::uint64_t first,
             std::uint64_t frames) {
    for (std::uint64_t seq = first; seq < first + frames; seq += kWindow) {
      const std::uint64_t last = std::min(seq + kWindow, first + frames) - 1;
      for (std::uint64_t i = seq; i <= last; ++i) {
        const OrderBody order = Bid(credential, i, 20, 0);
        CommandHeader header;
        header.client_seq = i;
        header.credential = CredentialId{credential};
        header.type = CommandType::kSubmitOrders;
        Send(gateway, OwnedCommand(header, std::span<const OrderBody>(&order, 1)));
      }
      Receive(gateway, [last](const Event& event) {
        return event.type == EventType::kAnswer && event.answer.client_seq == last;
      });
    }
  }

  static constexpr std::uint64_t kWindow = 50;

  TemporaryFolder folder_;
  ExchangeClock clock_;
  Doorbell shard_doorbell_;
  std::vector<Doorbell> gateway_doorbells_;
  std::vector<GatewayEnd> gateways_;
  Recovery recovered_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<ShardThread> thread_;
};

TEST_F(RunningShard, AnswersTwoGatewaysAndKeepsWhatItAnswered) {
  constexpr std::uint64_t kFrames = 1'000;
  std::vector<std::thread> traders;
  for (std::size_t i = 0; i < kGateways; ++i) {
    traders.emplace_back([this, i] {
      const auto credential = static_cast<std::uint32_t>(i + 1);
      Logon(gateways_[i], credential);
      Trade(gateways_[i], credential, 1, kFrames);
    });
  }
  for (std::thread& trader : traders) trader.join();
  thread_->Stop();
  EXPECT_TRUE(shard_->AtRest());
  const std::string digest = ToHex(shard_->exchange().StateDigest());
  const std::uint64_t sequence = shard_->exchange().sequence();
  thread_.reset();
  shard_.reset();
  Start();
  EXPECT_EQ(recovered_.sequence, sequence);
  EXPECT_EQ(ToHex(recovered_.digest), digest);
  Logon(gateways_[0], 1);
  Trade(gateways_[0], 1, kFrames + 1, 1);
}

TEST_F(RunningShard, EndsWithWhatWasSentBeforeOnDiskAndAnswered) {
  Logon(gateways_[0], 1);
  const OrderBody order = Bid(1, 1, 20, 0);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    CommandHeader header;
    header.client_seq = seq;
    header.credential = CredentialId{1};
    header.type = CommandType::kSubmitOrders;
    Send(gateways_[0], OwnedCommand(header, std::span<const OrderBody>(&order, 1)));
  }
  thread_->Stop();
  std::uint64_t answers = 0;
  Receive(gateways_[0],
          [&](const Event& event) { return event.type == EventType::kAnswer && ++answers == 20; });
  EXPECT_EQ(answers, 20u);
}

TEST_F(RunningShard, StopsAtOnceWhenItIsIdle) {
  thread_->Stop();
  thread_->Stop();
  EXPECT_TRUE(shard_->status().ok());
}

}  // namespace
}  // namespace engine
