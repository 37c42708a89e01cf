// Whoever was away, or reads slowly, hears every numbered event once and in order.
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

using engine::MissedEvent;
using engine::Reason;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr engine::CredentialId kCredential{7};

std::vector<std::uint64_t> From(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

// A daemon whose shard and outbox a test plays. The outbox has all events up to `told_`.
class Away {
 public:
  explicit Away(std::uint64_t told, std::uint64_t next_event,
                engine::CredentialKind kind = engine::CredentialKind::kDevice,
                bool cancel_on_disconnect = false)
      : told_(told), client(daemon) {
    daemon.next_event = told + 1;
    client.LogOn(0, cancel_on_disconnect, next_event);
    daemon.AnswerLogon(daemon.NextCommand(), static_cast<std::uint32_t>(kCredential), kind);
  }

  static engine::Event Fill(std::uint64_t number) {
    engine::Event event;
    event.type = engine::EventType::kFill;
    event.credential = kCredential;
    event.event_number = number;
    event.fill = {};
    return event;
  }
  void TellLive(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      while (daemon.HasEvents()) daemon.gateway().Turn();
      daemon.Send(Fill(++told_));
    }
    while (daemon.HasEvents()) daemon.gateway().Turn();
  }

  std::optional<engine::MissedQuery> NextQuery() {
    const auto ready = daemon.outbox().queries.Ready();
    if (ready.empty()) return std::nullopt;
    const engine::MissedQuery query = ready.front();
    daemon.outbox().queries.Consume(1);
    return query;
  }
  engine::MissedQuery WaitForQuery() {
    std::optional<engine::MissedQuery> query;
    EXPECT_TRUE(daemon.TurnUntil([&] { return (query = NextQuery()).has_value(); }));
    return query.value_or(engine::MissedQuery());
  }
  void Say(const engine::MissedQuery& query, MissedEvent::Kind kind, std::uint64_t number = 0) {
    MissedEvent missed;
    missed.session = query.session;
    missed.kind = kind;
    missed.first = number;
    missed.event = Fill(number);
    daemon.outbox().events.Put(missed);
    daemon.outbox().events.Publish();
    daemon.gateway().Turn();
  }
  // Ensures: how many events.
  std::size_t Answer(const engine::MissedQuery& query, std::size_t most = SIZE_MAX) {
    std::size_t said = 0;
    for (std::uint64_t number = query.from;
         number <= told_ && said < std::min<std::size_t>(most, query.most); ++number) {
      Say(query, MissedEvent::Kind::kEvent, number);
      ++said;
    }
    Say(query, MissedEvent::Kind::kEnd);
    return said;
  }
  bool HearAll(std::size_t fills) {
    return client.HearUntil([&] {
      if (const auto query = NextQuery()) Answer(*query);
      return client.fills >= fills;
    });
  }

 private:
  static GatewayOptions SmallOutput() {
    GatewayOptions options = HandTurnedGateway::Quick();
    options.device_output_bytes = 16 << 10;
    return options;
  }

  std::uint64_t told_;

 public:
  HandTurnedGateway daemon{SmallOutput(),
                           {},
                           std::uint64_t{64} << 20,
                           std::size_t{1} << 18,
                           /*has_outbox=*/true};
  RawClient client;
};

TEST(MissedEvents, AreToldBehindTheLogon) {
  Away away(/*told=*/6, /*next_event=*/3);
  const engine::MissedQuery first = away.WaitForQuery();
  EXPECT_EQ(first.from, 3u);
  EXPECT_EQ(first.credential, kCredential);
  EXPECT_EQ(away.client.logon_answers, 0);
  away.Answer(first, 2);
  ASSERT_TRUE(away.client.HearUntil([&] { return away.client.fills == 2; }));
  EXPECT_EQ(away.client.logon.reason, Reason::kNone);
  EXPECT_EQ(away.client.logon.next_event, 3u);
  const engine::MissedQuery rest = away.WaitForQuery();
  EXPECT_EQ(rest.from, 5u);
  away.Answer(rest);
  away.TellLive(1);
  ASSERT_TRUE(away.client.HearUntil([&] { return away.client.fills == 5; }));
  EXPECT_THAT(away.client.numbers, ElementsAre(3, 4, 5, 6, 7));
  EXPECT_FALSE(away.NextQuery());
}

TEST(MissedEvents, AreToldOnceThoughMoreHappensMeanwhile) {
  Away away(/*told=*/20, /*next_event=*/1);
  away.TellLive(3);  // Before the outbox has said anything.
  const engine::MissedQuery first = away.WaitForQuery();
  away.Answer(first, 10);
  away.TellLive(4);
  ASSERT_TRUE(away.HearAll(27));
  away.TellLive(2);
  ASSERT_TRUE(away.HearAll(29));
  EXPECT_EQ(away.client.numbers, From(1, 29));
}

TEST(MissedEvents, AreNotAskedForWhereNoneWere) {
  for (const std::uint64_t next_event : {std::uint64_t{0}, std::uint64_t{7}}) {
    Away away(/*told=*/6, next_event);
    ASSERT_TRUE(away.client.HearUntil([&] { return away.client.logon_answers == 1; }));
    EXPECT_EQ(away.client.logon.next_event, 7u);
    away.TellLive(2);
    ASSERT_TRUE(away.client.HearUntil([&] { return away.client.fills == 2; }));
    EXPECT_THAT(away.client.numbers, ElementsAre(7, 8));
    EXPECT_FALSE(away.NextQuery());
  }
}

TEST(MissedEvents, ThatAreGoneRefuseTheLogonAndSayWhereTheRestBegins) {
  Away away(/*told=*/9, /*next_event=*/2);
  away.Say(away.WaitForQuery(), MissedEvent::Kind::kGone, 5);
  EXPECT_TRUE(away.client.HearTermination(TerminateReason::kEventsGone));
  EXPECT_EQ(away.client.logon.reason, Reason::kEventsGone);
  EXPECT_EQ(away.client.logon.next_event, 5u);
  EXPECT_EQ(away.client.reconnect_after_ms, 0u);
}

TEST(MissedEvents, ThatAreAllGoneLeaveThoseToCome) {
  Away away(/*told=*/9, /*next_event=*/2);
  away.Say(away.WaitForQuery(), MissedEvent::Kind::kGone, 0);
  EXPECT_TRUE(away.client.HearTermination(TerminateReason::kEventsGone));
  EXPECT_EQ(away.client.logon.next_event, 10u);
}

TEST(MissedEvents, ThatNeverWereRefuseTheLogon) {
  Away away(/*told=*/9, /*next_event=*/11);
  EXPECT_TRUE(away.client.HearTermination(TerminateReason::kEventsGone));
  EXPECT_EQ(away.client.logon.reason, Reason::kEventUnknown);
  EXPECT_EQ(away.client.logon.next_event, 10u);
  EXPECT_THAT(away.client.numbers, IsEmpty());
}

// A price that is called is told behind the logon, and not again.
TEST(MissedEvents, ComeBehindWhatWasToldWhileTheyWereLookedFor) {
  Away away(/*told=*/6, /*next_event=*/3);
  const engine::MissedQuery query = away.WaitForQuery();
  engine::Event product;
  product.type = engine::EventType::kProductOpened;
  product.market = engine::MarketId{1};
  product.product_opened = {};
  away.daemon.Send(product);
  while (away.daemon.HasEvents()) away.daemon.gateway().Turn();
  EXPECT_EQ(away.client.products, 0);
  away.Answer(query);
  ASSERT_TRUE(away.client.HearUntil([&] { return away.client.fills == 4; }));
  EXPECT_EQ(away.client.products, 1);
  EXPECT_EQ(away.client.logon_answers, 1);
}

TEST(MissedEvents, ThatCannotBeReadNowMakeTheClientComeBack) {
  Away away(/*told=*/9, /*next_event=*/2);
  away.Say(away.WaitForQuery(), MissedEvent::Kind::kNotNow);
  EXPECT_TRUE(away.client.HearTermination(TerminateReason::kBusy));
  EXPECT_EQ(away.client.logon_answers, 0);
  EXPECT_GT(away.client.reconnect_after_ms, 0u);
}

TEST(MissedEvents, AreNotWaitedForByASessionThatHasEnded) {
  Away away(/*told=*/9, /*next_event=*/2);
  const engine::MissedQuery query = away.WaitForQuery();
  away.client.Close();
  const engine::MissedQuery end = away.WaitForQuery();
  EXPECT_EQ(end.session, query.session);
  EXPECT_EQ(end.most, 0u);
}

// It was never logged on, so that nothing of its hangs on its connection.
TEST(MissedEvents, ThatAreGoneWithdrawNoOrders) {
  Away away(/*told=*/9, /*next_event=*/2, engine::CredentialKind::kDevice,
            /*cancel_on_disconnect=*/true);
  away.Say(away.WaitForQuery(), MissedEvent::Kind::kGone, 5);
  EXPECT_TRUE(away.client.HearTermination(TerminateReason::kEventsGone));
  EXPECT_FALSE(away.daemon.HasCommand());
}

// Nothing waits in the daemon's memory for it but a part of its output, and nothing is lost.
TEST(MissedEvents, OfASlowReaderAreKeptOnDiskAndToldAsItReads) {
  constexpr std::size_t kTold = 40'000;
  Away away(/*told=*/0, /*next_event=*/0);
  ASSERT_TRUE(away.client.HearUntil([&] { return away.client.logon_answers == 1; }));
  away.TellLive(kTold);  // More than the sockets between them hold.
  EXPECT_LT(away.daemon.budget().bytes(), std::uint64_t{64} << 10);
  ASSERT_TRUE(away.HearAll(kTold));
  EXPECT_EQ(away.client.numbers, From(1, kTold));
  EXPECT_FALSE(away.client.ended);
}

}  // namespace
}  // namespace gateway
