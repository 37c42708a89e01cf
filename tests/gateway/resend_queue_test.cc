#include "gateway/client/resend_queue.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/codec.h"
#include "tests/support/exchange_driver.h"

namespace gateway {
namespace {

using engine::CommandType;
using engine::Reason;
using Taken = ResendQueue::Taken;

// What was sent, read as the daemon reads it. `marker` says which request it is; 0: a filler.
struct Sent {
  std::uint64_t client_seq = 0;
  CommandType type{};
  std::uint64_t marker = 0;
  FrameRefusal refusal;
};

Sent ReadSent(const Frame& frame) {
  Request request;
  EXPECT_EQ(Read(frame, request), Reason::kNone);
  std::vector<std::uint64_t> memory(request.command_bytes / 8);
  auto* command = reinterpret_cast<engine::CommandHeader*>(memory.data());
  Sent sent{.client_seq = request.client_seq, .type = request.type, .marker = 0, .refusal = {}};
  sent.refusal = Write(request, engine::CredentialId(7), 0, command);
  const engine::CommandView view(command);
  if (request.type == CommandType::kSubmitOrders) {
    sent.marker = static_cast<std::uint64_t>(view.Items<engine::OrderBody>()[0].client_order_id);
  }
  return sent;
}

std::vector<Sent> ReadAll(const Bytes& bytes) {
  std::vector<Sent> sent;
  std::span<const std::byte> rest = bytes;
  while (!rest.empty()) {
    const Scan scan = ScanFrame(rest, kFrameBytesMax);
    sent.push_back(ReadSent(scan.frame));
    rest = rest.subspan(scan.length);
  }
  return sent;
}

Bytes MakeRequest(RequestBuilder& builder, std::uint64_t client_seq, std::uint64_t marker,
                  bool good) {
  const engine::OrderBody order{
      .account = engine::AccountId(1),
      .client_order_id = engine::ClientOrderId(marker),
      .product = {},
      .side = good ? engine::Side::kBuy : static_cast<engine::Side>(7),
  };
  Bytes frame;
  builder.Orders(CommandType::kSubmitOrders, client_seq, {&order, 1}, frame);
  return frame;
}

AnswerMessage AnswerTo(const Sent& sent, Reason reason, bool sequenced) {
  AnswerMessage message;
  message.answer.client_seq = sent.client_seq;
  message.answer.reason = reason;
  message.message = static_cast<MessageType>(sent.type);
  message.sequenced = sequenced;
  return message;
}

// A queue whose connection has had a logon, and all that it sends.
struct Queue {
  explicit Queue(std::uint64_t next = 1) { EXPECT_TRUE(queue.Resume(next)); }

  std::uint64_t Keep(std::uint64_t marker, bool good) {
    const std::uint64_t client_seq = queue.next_seq();
    Bytes frame = MakeRequest(builder, client_seq, marker, good);
    if (queue.Keep(std::move(frame), true)) out = queue.newest();
    return client_seq;
  }
  Taken Hear(std::uint64_t client_seq, Reason reason, bool sequenced = false) {
    AnswerMessage message = AnswerTo(
        {.client_seq = client_seq, .type = CommandType::kSubmitOrders, .marker = 0, .refusal = {}},
        reason, sequenced);
    return queue.TakeAnswer(message);
  }
  std::vector<Sent> SendAgain() {
    Bytes bytes;
    queue.SendAgain(bytes);
    return ReadAll(bytes);
  }

  RequestBuilder builder;
  ResendQueue queue{builder};
  Bytes out;
};

TEST(ResendQueue, GivesTheNumberOfARefusedRequestToTheNextOne) {
  Queue it(41);
  it.Keep(1, false);
  EXPECT_EQ(it.Hear(41, Reason::kBadSide), Taken::kFinal);
  EXPECT_EQ(it.queue.size(), 0U);
  EXPECT_EQ(it.queue.next_seq(), 41U);
  EXPECT_FALSE(it.queue.postponed());
}

TEST(ResendQueue, UsesUpARefusedNumberWhereALaterOneIsUnderWay) {
  Queue it(41);
  it.Keep(1, false);
  it.Keep(2, true);
  EXPECT_EQ(it.Hear(41, Reason::kBadSide), Taken::kFinal);
  EXPECT_FALSE(it.queue.PauseBeforeSending()) << "The later one is not answered yet.";
  EXPECT_EQ(it.Hear(42, Reason::kSequenceGap), Taken::kNotFinal);
  EXPECT_TRUE(it.queue.PauseBeforeSending());
  const std::vector<Sent> sent = it.SendAgain();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].client_seq, 41U);
  EXPECT_EQ(sent[0].type, CommandType::kCancelOrders);
  EXPECT_EQ(sent[1].client_seq, 42U);
  EXPECT_EQ(sent[1].marker, 2U);
  EXPECT_EQ(it.Hear(41, Reason::kNone, true), Taken::kNotFinal) << "Nobody asked for it.";
  EXPECT_EQ(it.Hear(42, Reason::kNone, true), Taken::kFinal);
  EXPECT_EQ(it.queue.next_seq(), 43U);
}

TEST(ResendQueue, UsesANumberUpWithWhatTheExchangeTakesAndDoesNothingFor) {
  Queue it;
  it.Keep(1, false);
  it.Keep(2, true);
  it.Hear(1, Reason::kBadSide);
  Bytes bytes;
  it.queue.SendAgain(bytes);
  Request request;
  ASSERT_EQ(Read(ScanFrame(bytes, kFrameBytesMax).frame, request), Reason::kNone);
  std::vector<std::uint64_t> memory(request.command_bytes / 8);
  auto* command = reinterpret_cast<engine::CommandHeader*>(memory.data());
  ASSERT_EQ(Write(request, engine::CredentialId(1), 0, command).reason, Reason::kNone);
  engine::ExchangeDriver driver;
  driver.AddMarket(engine::SmallMarket());
  driver.AddAccount(1);
  driver.events.clear();
  EXPECT_TRUE(driver.ApplyFrom(engine::CredentialId(1), command->client_seq, command->type,
                               engine::CommandView(command).Items<engine::OrderKeyBody>()));
  ASSERT_FALSE(driver.events.empty());
  EXPECT_EQ(driver.events[0].answer.reason, Reason::kNone);
  EXPECT_EQ(driver.events[0].answer.refused, 1U);
  const engine::OrderKeyBody next{};
  EXPECT_TRUE(driver.ApplyFrom(engine::CredentialId(1), 2, CommandType::kCancelOrders,
                               std::span<const engine::OrderKeyBody>(&next, 1)));
}

TEST(ResendQueue, UsesUpNoNumberWhereAllBehindARefusedRequestIsRefusedToo) {
  Queue it(41);
  for (std::uint64_t marker = 1; marker <= 3; ++marker) it.Keep(marker, false);
  for (std::uint64_t seq = 41; seq <= 43; ++seq) {
    EXPECT_EQ(it.Hear(seq, Reason::kReservedNotZero), Taken::kFinal);
  }
  EXPECT_EQ(it.queue.size(), 0U);
  EXPECT_EQ(it.queue.next_seq(), 41U);
}

TEST(ResendQueue, TakesARefusalThatNamesNoNumberForTheOldestOfItsType) {
  Queue it(41);
  it.Keep(1, true);
  AnswerMessage message =
      AnswerTo({.client_seq = 0, .type = CommandType::kSubmitOrders, .marker = 0, .refusal = {}},
               Reason::kUnknownMessage, false);
  EXPECT_EQ(it.queue.TakeAnswer(message), Taken::kFinal);
  EXPECT_EQ(message.answer.client_seq, 41U);
  EXPECT_EQ(it.queue.next_seq(), 41U);
}

TEST(ResendQueue, KeepsTheNumberOfARefusalByTheExchange) {
  Queue it(41);
  it.Keep(1, true);
  EXPECT_EQ(it.Hear(41, Reason::kSequenceTooOld), Taken::kFinal);
  EXPECT_EQ(it.queue.next_seq(), 42U);
}

TEST(ResendQueue, SaysSoWhereTheDaemonRefusesEvenWhatDoesNothing) {
  Queue it(41);
  it.Keep(1, false);
  it.Keep(2, true);
  it.Hear(41, Reason::kBadSide);
  it.Hear(42, Reason::kSequenceGap);
  it.SendAgain();
  EXPECT_EQ(it.Hear(41, Reason::kUnknownMessage), Taken::kNothingGoes);
}

TEST(ResendQueue, DoesNotResumeWithADaemonThatHasForgottenItsAnswers) {
  Queue it(41);
  it.Keep(1, true);
  it.Hear(41, Reason::kNone, true);
  it.Keep(2, true);
  it.queue.ConnectionLost();
  EXPECT_TRUE(it.queue.Resume(42));
  EXPECT_TRUE(it.queue.Resume(43));
  EXPECT_FALSE(it.queue.Resume(41));
}

TEST(ResendQueue, PausesAsLongAsTheDaemonSaysWhateverElseIsAnswered) {
  Queue it;
  it.Keep(1, true);
  AnswerMessage throttled =
      AnswerTo({.client_seq = 1, .type = CommandType::kSubmitOrders, .marker = 0, .refusal = {}},
               Reason::kThrottled, false);
  throttled.retry_after_ms = 500;
  it.queue.TakeAnswer(throttled);
  EXPECT_EQ(it.queue.PauseBeforeSending(), std::chrono::milliseconds(500));
  it.Hear(9, Reason::kNone, true);  // To a copy that an earlier connection has sent.
  EXPECT_EQ(it.queue.PauseBeforeSending(), std::nullopt);
}

// A daemon of many threads, one a connection, that get on at any pace: what a client has sent on a
// connection that is lost may reach the exchange long after a later logon.
class Daemon {
 public:
  void Connect() {
    links_.emplace_back();
    answers_.clear();
  }
  void Take(const Bytes& bytes) {
    for (const Sent& sent : ReadAll(bytes)) links_.back().socket.push_back(sent);
  }
  std::uint64_t expected() const { return done_.size() + 1; }

  // Moves one frame of any connection on. Ensures: false where there was none.
  bool Turn(std::mt19937_64& random) {
    std::vector<std::pair<Link*, bool>> some;
    for (Link& link : links_) {
      if (!link.socket.empty()) some.emplace_back(&link, true);
      if (!link.ring.empty()) some.emplace_back(&link, false);
    }
    if (some.empty()) return false;
    const auto [link, reads] = some[random() % some.size()];
    if (reads) {
      ReadFrom(*link, random() % 8 == 0);
    } else {
      DoNextOf(*link);
    }
    return true;
  }

  std::deque<AnswerMessage>& answers() { return answers_; }
  const std::vector<std::uint64_t>& done() const { return done_; }  // Markers.

 private:
  struct Link {
    std::deque<Sent> socket;  // Not read by the gateway.
    std::deque<Sent> ring;    // Not taken by the exchange.
  };

  // What the gateway refuses it answers at once, and only on the frame's own connection.
  void ReadFrom(Link& link, bool busy) {
    const Sent sent = link.socket.front();
    link.socket.pop_front();
    const Reason reason = busy ? Reason::kBusy : sent.refusal.reason;
    if (reason == Reason::kNone) {
      link.ring.push_back(sent);
    } else if (&link == &links_.back()) {
      answers_.push_back(AnswerTo(sent, reason, false));
    }
  }
  // The exchange's answer goes to the newest connection of the credential.
  void DoNextOf(Link& link) {
    const Sent sent = link.ring.front();
    link.ring.pop_front();
    if (sent.client_seq > expected()) {
      answers_.push_back(AnswerTo(sent, Reason::kSequenceGap, false));
      return;
    }
    if (sent.client_seq == expected()) done_.push_back(sent.marker);
    answers_.push_back(AnswerTo(sent, Reason::kNone, true));
  }

  std::vector<Link> links_;
  std::deque<AnswerMessage> answers_;
  std::vector<std::uint64_t> done_;
};

// What the client's user knows.
class User {
 public:
  explicit User(std::uint64_t seed) : random_(seed), rarity_(1 + seed % 8) { LogOn(); }

  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
        if (it_.queue.size() < 8 && random_() % rarity_ == 0) Ask(random_() % 3 != 0);
        break;
      case 2:
        if (random_() % 8 == 0) LogOn();
        break;
      case 3:
      case 4:
        SendAgainIfDue();
        break;
      default:
        Turn();
    }
  }
  // Ensures: false where something stays unanswered.
  bool Finish() {
    for (int i = 0; i < 10'000 && it_.queue.size() != 0; ++i) {
      while (Turn()) {
      }
      SendAgainIfDue();
    }
    return it_.queue.size() == 0;
  }

  const Daemon& daemon() const { return daemon_; }
  const std::map<std::uint64_t, bool>& asked() const { return asked_; }
  const std::map<std::uint64_t, int>& answered() const { return answered_; }

 private:
  void LogOn() {
    it_.queue.ConnectionLost();
    daemon_.Connect();
    EXPECT_TRUE(it_.queue.Resume(daemon_.expected()));
    daemon_.Take(SendAll());
  }
  Bytes SendAll() {
    Bytes bytes;
    it_.queue.SendAgain(bytes);
    return bytes;
  }
  void SendAgainIfDue() {
    if (it_.queue.PauseBeforeSending()) daemon_.Take(SendAll());
  }
  void Ask(bool good) {
    it_.out.clear();
    const std::uint64_t marker = asked_.size() + 1;
    asked_[marker] = good;
    waiting_[it_.Keep(marker, good)] = marker;
    daemon_.Take(it_.out);
  }
  // Hears an answer or lets the daemon read.
  bool Turn() {
    if (daemon_.answers().empty() || random_() % 2 == 0) return daemon_.Turn(random_) || Hear();
    return Hear();
  }
  bool Hear() {
    if (daemon_.answers().empty()) return false;
    AnswerMessage message = daemon_.answers().front();
    daemon_.answers().pop_front();
    const Taken taken = it_.queue.TakeAnswer(message);
    EXPECT_NE(taken, Taken::kNothingGoes);
    if (taken != Taken::kFinal) return true;
    const std::uint64_t marker = waiting_[message.answer.client_seq];
    waiting_.erase(message.answer.client_seq);
    ++answered_[marker];
    EXPECT_EQ(asked_[marker], message.sequenced) << "request " << marker;
    return true;
  }

  std::mt19937_64 random_;
  const std::uint64_t rarity_;  // Of requests: from a queue that is full to one of a few.
  Queue it_;
  Daemon daemon_;
  std::map<std::uint64_t, bool> asked_;             // By marker: whether the gateway lets it pass.
  std::map<std::uint64_t, std::uint64_t> waiting_;  // Markers by number.
  std::map<std::uint64_t, int> answered_;           // How often, by marker.
};

TEST(ResendQueue, HasEachRequestDoneAndAnsweredOnceInOrderWhateverIsRefusedOrLost) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    User user(seed);
    for (int i = 0; i < 600; ++i) user.Step();
    ASSERT_TRUE(user.Finish());
    std::vector<std::uint64_t> done;
    std::copy_if(user.daemon().done().begin(), user.daemon().done().end(), std::back_inserter(done),
                 [](std::uint64_t marker) { return marker != 0; });
    std::vector<std::uint64_t> good;
    for (const auto& [marker, passes] : user.asked()) {
      if (passes) good.push_back(marker);
      ASSERT_EQ(user.answered().count(marker), 1U) << "request " << marker;
      ASSERT_EQ(user.answered().at(marker), 1) << "request " << marker;
    }
    ASSERT_EQ(done, good);
  }
}

}  // namespace
}  // namespace gateway
