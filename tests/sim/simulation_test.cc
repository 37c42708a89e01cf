// Worlds by the thousand steps. A failure names its seed:
//
//   bin/simulation_test --seed=N [--steps=N]    one world again
#include "tests/sim/simulation.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <sys/personality.h>
#include <unistd.h>

#include "engine/core/hex.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

std::optional<std::uint64_t> only_seed;
std::uint64_t steps_a_world = 10'000;

// What all worlds of a run had in them.
struct Total {
  Simulation::Seen seen;
  std::uint64_t answers = 0;
  std::uint64_t resends = 0;
  std::uint64_t postponed = 0;
  std::uint64_t events = 0;
  std::uint64_t events_again = 0;
  std::uint64_t fills = 0;
  std::uint64_t trades = 0;  // In continuous markets.
  std::uint64_t rounds = 0;
  std::uint64_t rounds_void = 0;
  std::uint64_t gone = 0;
  std::uint64_t indicatives = 0;
};

void Add(const Simulation& world, Total& total) {
  const Simulation::Seen& seen = world.seen();
  total.seen.lives += seen.lives;
  total.seen.crashes += seen.crashes;
  total.seen.stops += seen.stops;
  total.seen.disk_failures += seen.disk_failures;
  total.seen.cuts += seen.cuts;
  total.seen.takeovers += seen.takeovers;
  total.seen.clock_steps += seen.clock_steps;
  total.seen.snapshots += seen.snapshots;
  total.seen.from_snapshots += seen.from_snapshots;
  total.seen.removed += seen.removed;
  total.seen.untold += seen.untold;
  total.seen.acts += seen.acts;
  total.seen.refused_acts += seen.refused_acts;
  total.answers += world.heard().answers;
  total.resends += world.heard().resends_answered;
  total.postponed += world.heard().postponed;
  total.events += world.heard().events;
  total.events_again += world.heard().events_again;
  total.fills += world.heard().fills;
  total.trades += world.reference().trades();
  total.rounds += world.reference().rounds_cleared();
  total.rounds_void += world.reference().rounds_void();
  total.gone += world.heard().gone;
  total.indicatives += world.heard().indicatives;
}

// Ensures: the test fails where the world does, and says how to see it again.
void RunWorld(std::uint64_t seed, Total& total) {
  Simulation world(seed);
  for (std::uint64_t i = 0; i < steps_a_world && world.Step(); ++i) continue;
  if (world.fault().empty()) world.ComeToRest();
  EXPECT_EQ(world.fault(), "") << "--seed=" << seed << " --steps=" << steps_a_world << ", at step "
                               << world.steps();
  Add(world, total);
}

void Print(const Total& total) {
  std::cout << "lives " << total.seen.lives << ", crashes " << total.seen.crashes << ", stops "
            << total.seen.stops << ", disk failures " << total.seen.disk_failures
            << ", connections cut " << total.seen.cuts << ", taken over " << total.seen.takeovers
            << ", clock steps " << total.seen.clock_steps << ", snapshots " << total.seen.snapshots
            << ", starts from one " << total.seen.from_snapshots << ", segments removed "
            << total.seen.removed << ", records untold " << total.seen.untold << ", acts "
            << total.seen.acts << ", refused " << total.seen.refused_acts << "\nanswers "
            << total.answers << ", again " << total.resends << ", postponed " << total.postponed
            << ", events " << total.events << ", again " << total.events_again << ", fills "
            << total.fills << ", continuous trades " << total.trades << ", indicative prices "
            << total.indicatives << ", gone " << total.gone << ", rounds " << total.rounds
            << ", void " << total.rounds_void << "\n";
}

TEST(Simulation, TellsNobodyAnythingThatIsNotDueAndLosesNothing) {
  const std::uint64_t worlds = Repeats(kSanitized ? 3 : 60, 1'000);
  Total total;
  for (std::uint64_t seed = 1; seed <= worlds && !HasFailure(); ++seed) {
    RunWorld(only_seed.value_or(seed), total);
    if (only_seed) break;
  }
  Print(total);
  if (only_seed || HasFailure()) return;
  EXPECT_GT(total.seen.crashes, worlds * 4);
  EXPECT_GT(total.seen.cuts, worlds * 4);
  EXPECT_GT(total.seen.stops, worlds / 2);
  EXPECT_GT(total.seen.disk_failures, worlds / 4);
  EXPECT_GT(total.seen.takeovers, worlds * 5);
  EXPECT_GT(total.seen.clock_steps, worlds);
  EXPECT_GT(total.seen.snapshots, worlds * 3);
  EXPECT_GT(total.seen.from_snapshots, worlds * 3);
  EXPECT_GT(total.seen.removed, worlds / 2);
  EXPECT_GT(total.seen.untold, worlds / 4);
  EXPECT_GT(total.seen.acts, worlds * 5);
  EXPECT_GT(total.seen.refused_acts, worlds / 4);
  EXPECT_GT(total.rounds_void, worlds / 4);
  EXPECT_GT(total.postponed, worlds * 10);
  EXPECT_GT(total.events_again, worlds * 10);
  EXPECT_GT(total.answers, worlds * 200);
  EXPECT_GT(total.resends, worlds * 20);
  EXPECT_GT(total.events, worlds * 200);
  EXPECT_GT(total.fills, worlds * 50);
  EXPECT_GT(total.trades, worlds * 20);
  EXPECT_GT(total.indicatives, worlds * 20);
  EXPECT_GT(total.rounds, worlds * 10);
}

TEST(Simulation, IsTheSameAgainForTheSameSeed) {
  const std::uint64_t steps = std::min<std::uint64_t>(steps_a_world, 4'000);
  const auto trace = [steps] {
    Simulation world(only_seed.value_or(7));
    for (std::uint64_t i = 0; i < steps && world.Step(); ++i) continue;
    return ToHex(world.trace());
  };
  EXPECT_EQ(trace(), trace());
}

// The order in a hash table hangs on where it lies: here it always lies in the same place.
void LieInTheSamePlace(char** argv) {
  const int now = ::personality(0xffffffff);
  if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0) return;
  if (::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) != -1) {
    ::execv("/proc/self/exe", argv);
  }
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  engine::LieInTheSamePlace(argv);
  testing::InitGoogleTest(&argc, argv);
  engine::only_seed = engine::SeedFromEnvironment();
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--seed=")) {
      engine::only_seed = std::strtoull(argument.c_str() + 7, nullptr, 10);
    } else if (argument.starts_with("--steps=")) {
      engine::steps_a_world = std::strtoull(argument.c_str() + 8, nullptr, 10);
    } else {
      std::cerr << argument << ": --seed=N and --steps=N are all that there is\n";
      return 64;
    }
  }
  return RUN_ALL_TESTS();
}
