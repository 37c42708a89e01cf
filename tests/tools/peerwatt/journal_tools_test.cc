#include "tools/peerwatt/journal_tools.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/data_directory.h"
#include "engine/journal/format.h"
#include "gateway/administration.h"
#include "tests/support/journal_folder.h"
#include "tools/peerwatt/journal_text.h"

namespace tools {
namespace {

using testing::HasSubstr;

// A data directory as `init` leaves it.
class ListOfActs : public testing::Test {
 protected:
  ListOfActs() {
    const std::string markets = folder.path() + "/markets.toml";
    std::ofstream(markets) << "[[market]]\nid = 1\n";
    gateway::InitOptions init;
    init.data = data;
    init.files.markets = markets;
    EXPECT_TRUE(gateway::Initialise(init).ok());
  }

  // One bit of the first batch's first record.
  void Damage() const {
    std::fstream segment(data + "/shard-0/" + engine::SegmentName(1),
                         std::ios::in | std::ios::out | std::ios::binary);
    segment.seekp(engine::kBlockBytes + sizeof(engine::BatchHeader) + 50);
    const int byte = segment.peek();
    segment.put(static_cast<char>(byte ^ 4));
    ASSERT_TRUE(segment.good());
  }
  absl::Status List() {
    std::ostringstream out;
    absl::Status status = ListActs(data, out);
    text = out.str();
    return status;
  }

  engine::TemporaryFolder folder;
  std::string data = folder.path() + "/data";
  std::string text;
};

TEST_F(ListOfActs, IsOfEveryDefinition) {
  ASSERT_TRUE(List().ok());
  EXPECT_THAT(text, HasSubstr(",define_market,1,\"the directory was made\"\n"));
  EXPECT_THAT(text, HasSubstr(",define_credential,4294967295,"));
}

TEST_F(ListOfActs, IsNoneWithoutAWordWhereTheJournalIsDamaged) {
  Damage();
  const absl::Status status = List();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(ListOfActs, EndsWhereADaemonMayBeWriting) {
  Damage();
  const auto daemon = engine::DataDirectory::Open(engine::PosixDisk(), data);
  ASSERT_TRUE(daemon.ok());
  EXPECT_TRUE(List().ok());
  EXPECT_EQ(text, std::string(kActsHeader) + "\n");
}

}  // namespace
}  // namespace tools
