#include "gateway/client/resend_queue.h"

#include <array>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gateway/resend_driver.h"

namespace gateway {
namespace {

using engine::CommandType;
using engine::Reason;
using Taken = ResendQueue::Taken;

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

// What it refuses now it could do later.
TEST(ResendQueue, TakesAFullDiskForFinalWhereNoOtherConnectionHoldsACopy) {
  Queue it(41);
  it.Keep(1, true);
  it.Keep(2, true);
  EXPECT_EQ(it.Hear(41, Reason::kDiskFull), Taken::kFinal);
  EXPECT_EQ(it.Hear(42, Reason::kSequenceGap), Taken::kNotFinal);
  EXPECT_TRUE(it.queue.PauseBeforeSending());
  EXPECT_EQ(it.SendAgain().at(0).type, CommandType::kCancelOrders);
  EXPECT_EQ(it.Hear(41, Reason::kDiskFull), Taken::kNotFinal) << "Cancels are not taken either.";
  it.queue.ConnectionLost();
  EXPECT_EQ(it.SendAgain().size(), 2U);
  EXPECT_EQ(it.Hear(41, Reason::kNone, true), Taken::kNotFinal);
  EXPECT_EQ(it.Hear(42, Reason::kDiskFull), Taken::kNotFinal);
  EXPECT_TRUE(it.queue.PauseBeforeSending());
  EXPECT_EQ(it.SendAgain().at(0).marker, 2U);
  EXPECT_EQ(it.Hear(42, Reason::kNone, true), Taken::kFinal);
}

}  // namespace
}  // namespace gateway
