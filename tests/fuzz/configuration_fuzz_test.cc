#include <string>

#include <gtest/gtest.h>

#include "tests/fuzz/configuration_input.h"
#include "tests/fuzz/mutations.h"

namespace gateway {
namespace {

TEST(ConfigurationFuzz, SurvivesMutatedFiles) {
  const std::string texts[] = {
      DefaultConfigText(),
      DefaultMarketText(),
      std::string(kAccountsHeader) + "\n1,1,1,1,1,0,0\n2,2,2,1,1,5000,10000\n",
      std::string(kCredentialsHeader) + "\n1,device," + std::string(64, 'a') + ",0\n",
      std::string(kCredentialsRolesHeader) + "\n1,operator," + std::string(64, 'a') +
          ",0,read operate\n2,device," + std::string(64, 'b') + ",0,\n",
      std::string(kCertificatesHeader) + "\n1," + std::string(64, 'a') + "\n1," +
          std::string(64, 'b') + "\n2,\n",
  };
  for (const std::string& text : texts) {
    fuzz::TakeMutants("configuration", fuzz::BytesOf(text),
                      engine::Repeats(engine::kSanitized ? 100 : 500, 50'000), TakeConfiguration);
  }
}

}  // namespace
}  // namespace gateway
