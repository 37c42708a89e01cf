#include "tools/feed/csv.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/support/feed_files.h"

namespace tools {
namespace {

using testing::HasSubstr;

std::string WriteGz(const std::string& name, std::string_view text) {
  std::string path = TestPath(name);
  gzFile file = gzopen(path.c_str(), "wb");
  EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  gzclose(file);
  return path;
}

TEST(Decimal, IsExact) {
  EXPECT_EQ(ParseDecimal("0.392", 9), 392'000'000);
  EXPECT_EQ(ParseDecimal("-971.6", 6), -971'600'000);
  EXPECT_EQ(ParseDecimal("+5", 0), 5);
  EXPECT_EQ(ParseDecimal(".5", 1), 5);
  EXPECT_EQ(ParseDecimal("5.", 1), 50);
  EXPECT_EQ(ParseDecimal("1e-05", 9), 10'000);
  EXPECT_EQ(ParseDecimal("1.25E+2", 2), 12'500);
  EXPECT_EQ(ParseDecimal("9223372036854775807", 0), INT64_MAX);
}

TEST(Decimal, IsCutOffTowardsZero) {
  EXPECT_EQ(ParseDecimal("0.0000000019", 9), 1);
  EXPECT_EQ(ParseDecimal("-0.19", 1), -1);
  EXPECT_EQ(ParseDecimal("0.30000000000000004", 9), 300'000'000);
  EXPECT_EQ(ParseDecimal("1e-400", 9), 0);
}

TEST(Decimal, IsNothingElse) {
  for (const char* text : {"", "-", ".", "nan", "inf", "1,5", "1 ", " 1", "0x10", "1e", "1e5e5",
                           "1.2.3", "--1", "9223372036854775808", "1e400"}) {
    EXPECT_EQ(ParseDecimal(text, 0), std::nullopt) << text;
  }
}

TEST(Csv, ReadsRowsUnderTheirColumns) {
  auto csv = CsvReader::Open(WriteText("a.csv", "\xEF\xBB\xBFhour,b01\r\n0,1.5\r\n1,2\n"));
  ASSERT_TRUE(csv.ok()) << csv.status();
  ASSERT_EQ(*csv->Column("b01"), 1u);
  EXPECT_EQ(*csv->Column("hour"), 0u);
  ASSERT_TRUE(*csv->NextRow());
  EXPECT_EQ(*csv->Decimal(1, 1), 15);
  ASSERT_TRUE(*csv->NextRow());
  EXPECT_EQ(csv->line(), 3u);
  EXPECT_EQ(csv->cell(1), "2");
  EXPECT_FALSE(*csv->NextRow());
}

TEST(Csv, ReadsGzippedFilesAsPlainOnes) {
  auto csv = CsvReader::Open(WriteGz("a.csv.gz", "hour,b01\n0,1.5\n"));
  ASSERT_TRUE(csv.ok()) << csv.status();
  ASSERT_TRUE(*csv->NextRow());
  EXPECT_EQ(csv->cell(1), "1.5");
}

TEST(Csv, ReadsLongLines) {
  const std::string cell(10'000, '7');
  auto csv = CsvReader::Open(WriteText("a.csv", "a,b\n" + cell + ",2\n"));
  ASSERT_TRUE(csv.ok() && *csv->NextRow());
  EXPECT_EQ(csv->cell(0), cell);
}

TEST(Csv, NamesTheColumnsThatThereAre) {
  auto csv = CsvReader::Open(WriteText("a.csv", "hour,b01\n"));
  ASSERT_TRUE(csv.ok());
  EXPECT_THAT(csv->Column("b02").status().message(),
              HasSubstr("a.csv:1: no column 'b02' among hour,b01"));
}

TEST(Csv, RefusesAColumnThatIsNamedTwice) {
  EXPECT_THAT(CsvReader::Open(WriteText("a.csv", "hour,b01,hour\n0,1,2\n")).status().message(),
              HasSubstr("a.csv:1: column 'hour' twice"));
  EXPECT_TRUE(CsvReader::Open(WriteText("a.csv", "hour,b01,Hour\n0,1,2\n")).ok());
}

TEST(Csv, NamesTheLineOfARowOfOtherLength) {
  auto csv = CsvReader::Open(WriteText("a.csv", "hour,b01\n0,1\n1\n"));
  ASSERT_TRUE(csv.ok() && *csv->NextRow());
  EXPECT_THAT(csv->NextRow().status().message(), HasSubstr("a.csv:3: 1 cells under 2 columns"));
}

TEST(Csv, NamesTheCellThatIsNoNumber) {
  auto csv = CsvReader::Open(WriteText("a.csv", "hour,b01\n0,x\n"));
  ASSERT_TRUE(csv.ok() && *csv->NextRow());
  EXPECT_THAT(csv->Decimal(1, 3).status().message(), HasSubstr("a.csv:2: column 'b01': 'x'"));
}

TEST(Csv, RefusesQuotesMissingAndEmptyFiles) {
  EXPECT_FALSE(CsvReader::Open(WriteText("q.csv", "\"hour\",b\n")).ok());
  EXPECT_FALSE(CsvReader::Open(WriteText("e.csv", "")).ok());
  EXPECT_THAT(CsvReader::Open(TestPath("nowhere.csv")).status().message(),
              HasSubstr("nowhere.csv"));
}

TEST(Csv, NoticesAGzippedFileCutShort) {
  std::string text = "hour,b01\n";
  for (int i = 0; i < 5'000; ++i) {
    text += std::to_string(i) + "," + std::to_string(i * 7'919) + "\n";
  }
  const std::string whole = ReadBytes(WriteGz("whole.csv.gz", text));
  auto csv = CsvReader::Open(WriteText("cut.csv.gz", whole.substr(0, whole.size() / 2)));
  ASSERT_TRUE(csv.ok()) << csv.status();
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = csv->NextRow();
  ASSERT_FALSE(more.ok());
  EXPECT_THAT(more.status().message(), HasSubstr("cut short or damaged"));
}

// What stands behind such a byte must not be left out of a number.
TEST(Csv, RefusesAByteThatIsZeroWhereverItStands) {
  const std::string text = "a,b\n1,4000\n2,5000";
  const auto complaint = [](const std::string& spoilt) {
    auto csv = CsvReader::Open(WriteText("zero.csv", spoilt));
    absl::Status status = csv.status();
    while (status.ok()) {
      const auto more = csv->NextRow();
      status = more.status();
      if (more.ok() && !*more) break;
    }
    return std::string(status.message());
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string spoilt = text;
    spoilt[at] = '\0';
    EXPECT_THAT(complaint(spoilt), HasSubstr("a byte that is zero")) << at;
  }
  for (const std::size_t zeros : {std::size_t{1}, std::size_t{5'000}}) {
    EXPECT_THAT(complaint(text + std::string(zeros, '\0')), HasSubstr("a byte that is zero"));
    EXPECT_THAT(complaint(text + "\n" + std::string(zeros, '\0')),
                HasSubstr(":4: a byte that is zero"));
  }
}

}  // namespace
}  // namespace tools
