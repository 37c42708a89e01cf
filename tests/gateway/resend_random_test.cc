// Whatever is refused, lost or late: each request is done once, and answered once.
#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gateway/resend_driver.h"

namespace gateway {
namespace {

using engine::Reason;
using Taken = ResendQueue::Taken;

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
  void SetDiskFull(bool full) { disk_full_ = full; }
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
    if (sent.client_seq == expected() && disk_full_ && sent.marker != 0) {
      answers_.push_back(AnswerTo(sent, Reason::kDiskFull, false));
      return;
    }
    if (sent.client_seq == expected()) done_.push_back(sent.marker);
    answers_.push_back(AnswerTo(sent, Reason::kNone, true));
  }

  std::vector<Link> links_;
  std::deque<AnswerMessage> answers_;
  std::vector<std::uint64_t> done_;
  bool disk_full_ = false;
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
        daemon_.SetDiskFull(random_() % 4 == 0);
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
    daemon_.SetDiskFull(false);
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
  const std::set<std::uint64_t>& without_space() const { return without_space_; }

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
    const bool no_space = message.answer.reason == Reason::kDiskFull;
    if (no_space) without_space_.insert(marker);
    EXPECT_EQ(asked_[marker], message.sequenced || no_space) << "request " << marker;
    return true;
  }

  std::mt19937_64 random_;
  const std::uint64_t rarity_;  // Of requests: from a queue that is full to one of a few.
  Queue it_;
  Daemon daemon_;
  std::map<std::uint64_t, bool> asked_;             // By marker: whether the gateway lets it pass.
  std::map<std::uint64_t, std::uint64_t> waiting_;  // Markers by number.
  std::map<std::uint64_t, int> answered_;           // How often, by marker.
  std::set<std::uint64_t> without_space_;           // Refused for the disk.
};

TEST(ResendQueue, HasEachRequestDoneAndAnsweredOnceInOrderWhateverIsRefusedOrLost) {
  std::size_t without_space = 0;
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
      if (passes && !user.without_space().contains(marker)) good.push_back(marker);
      ASSERT_EQ(user.answered().count(marker), 1U) << "request " << marker;
      ASSERT_EQ(user.answered().at(marker), 1) << "request " << marker;
    }
    ASSERT_EQ(done, good);
    without_space += user.without_space().size();
  }
  EXPECT_GT(without_space, 400U);
}

}  // namespace
}  // namespace gateway
