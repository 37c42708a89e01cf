#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/journal_input.h"
#include "tests/fuzz/mutations.h"
#include "tests/fuzz/state_input.h"
#include "tests/support/acts.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/random_day.h"

namespace engine {
namespace {

// The commands of the beginning of a day, back to back.
fuzz::Bytes SomeRecords(const ExchangeDriver& driver, std::size_t from, std::size_t count) {
  fuzz::Bytes bytes;
  for (std::size_t i = from; i < from + count && i < driver.journal.size(); ++i) {
    const std::span<const std::byte> record = driver.journal[i].view().bytes();
    bytes.insert(bytes.end(), record.begin(), record.end());
  }
  return bytes;
}

void TakeMutated(fuzz::Bytes bytes, std::uint8_t kind, RandomSource& random) {
  bytes.insert(bytes.begin(), static_cast<std::byte>(kind));
  if (random.Below(100) == 0) fuzz::KeepSeed("journal", bytes);
  fuzz::Mutate(bytes, random);
  TakeJournal(fuzz::InputOf(bytes));
}

// Acts, so that there are some among the records, and in the state an operator with roles, metering
// points with limits that a party shares, and a credential with two certificates.
void Act(ExchangeDriver& driver) {
  const std::vector<MeteringPointBody> points = {
      {.id = MeteringPointId{9'000}, .import_limit_w = 2'000, .export_limit_w = 1'500},
      {.id = MeteringPointId{9'001}}};
  const std::vector<CredentialBody> credentials = {
      {.id = CredentialId{9'000}, .kind = CredentialKind::kOperator, .roles = kAllRoles}};
  ASSERT_TRUE(ApplyAct(driver, points));
  const std::vector<CertificateBody> certificates = {
      {.credential = CredentialId{9'000}, .place = 0, .hash = CertificateHash{std::byte{1}}},
      {.credential = CredentialId{9'000}, .place = 1, .hash = CertificateHash{std::byte{2}}}};
  ASSERT_TRUE(ApplyAct(driver, credentials));
  ASSERT_TRUE(ApplyAct(driver, certificates));
  ASSERT_TRUE(ApplyAct(driver, points, 9'000));
}

// A failure under a sanitizer repeats with the seed that was printed last.
TEST(JournalFuzz, SurvivesMutatedSegmentsBatchesAndRecords) {
  ExchangeDriver driver;
  Act(driver);
  RunDay(3, driver);
  for (std::uint64_t seed = 0; seed < Repeats(kSanitized ? 400 : 2'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::uint64_t count = 1 + random.Below(30);
    const fuzz::Bytes records = SomeRecords(driver, random.Below(200), count);
    const auto written = static_cast<std::uint8_t>(random.Below(2));
    const fuzz::Bytes segment = SegmentWithRecords(static_cast<std::uint32_t>(count), records);
    TakeMutated(segment, written, random);
    TakeMutated({segment.begin() + kBlockBytes, segment.end()},
                static_cast<std::uint8_t>(2 + written), random);
    TakeMutated(records, static_cast<std::uint8_t>(8 * (count - 1) + 4 + written), random);
  }
}

TEST(JournalFuzz, SurvivesMutatedActs) {
  ExchangeDriver driver;
  Act(driver);
  ASSERT_TRUE(ApplyAct(driver, std::vector{SmallMarket()}));
  std::vector<CommandView> acts;
  for (const OwnedCommand& command : driver.journal) {
    if (command.view().header().type == CommandType::kAct) acts.push_back(command.view());
  }
  for (std::uint64_t seed = 0; seed < Repeats(kSanitized ? 2'000 : 10'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const CommandView act = acts[random.Below(acts.size())];
    // One record alone, so that most of what is changed is the act's body.
    TakeMutated({act.bytes().begin(), act.bytes().end()}, 4, random);
    const auto kind = static_cast<std::uint8_t>(8 * random.Below(5) + 6);
    TakeMutated({act.body().begin(), act.body().end()}, kind, random);
  }
}

TEST(StateFuzz, SurvivesMutatedStates) {
  for (std::uint64_t day = 1; day <= 4; ++day) {
    ExchangeDriver driver;
    Act(driver);
    RunDay(day, driver);
    fuzz::TakeMutants("state", StateOf(driver.exchange), Repeats(kSanitized ? 50 : 300, 20'000),
                      TakeState);
  }
}

}  // namespace
}  // namespace engine
