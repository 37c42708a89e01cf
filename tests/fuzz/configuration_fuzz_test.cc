#include <string>

#include <gtest/gtest.h>

#include "tests/fuzz/configuration_input.h"
#include "tests/fuzz/mutations.h"

namespace gateway {
namespace {

// A failure under a sanitizer repeats with the seed that was printed last.
TEST(ConfigurationFuzz, SurvivesMutatedFiles) {
  const std::string texts[] = {
      DefaultConfigText(),
      DefaultMarketText(),
      std::string(kAccountsHeader) + "\n1,1,1,1,1,0,0\n2,2,2,1,1,5000,10000\n",
      std::string(kCredentialsHeader) + "\n1,device," + std::string(64, 'a') + ",0\n",
  };
  for (const std::string& text : texts) {
    fuzz::KeepSeed("configuration", fuzz::BytesOf(text));
    for (std::uint64_t seed = 0; seed < engine::Repeats(engine::kSanitized ? 100 : 500, 50'000);
         ++seed) {
      SCOPED_TRACE(seed);
      engine::RandomSource random(seed);
      fuzz::Bytes bytes = fuzz::BytesOf(text);
      fuzz::Mutate(bytes, random);
      TakeConfiguration(fuzz::InputOf(bytes));
    }
  }
}

}  // namespace
}  // namespace gateway
