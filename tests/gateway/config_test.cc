#include "gateway/config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gateway {
namespace {

using testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  const auto config = ParseConfig(text, "peerwattd.toml");
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(Config, DefaultTextGivesTheDefaults) {
  const auto config = ParseConfig(DefaultConfigText(), "default");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(*config, Config());
}

TEST(Config, EmptyTextGivesTheDefaults) {
  const auto config = ParseConfig("", "empty");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(*config, Config());
}

TEST(Config, TakesWhatIsAllowed) {
  const auto config = ParseConfig(
      "[listen]\naddress = \"::1\"\nport = 0\n[journal]\nbackend = \"posix\"\n"
      "[log]\nlevel = \"debug\"\n[rings]\nevents = 1024\n",
      "file");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen_address, "::1");
  EXPECT_EQ(config->listen_port, 0);
  EXPECT_EQ(config->journal_backend, engine::WriterChoice::kPosix);
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->ring_events, 1'024);
}

TEST(Config, ReachesTheGateway) {
  const auto config = ParseConfig(
      "[sessions]\nlogon_timeout_ms = 70\nheartbeat_default_s = 9\n"
      "[connections]\ndevice_output_kib = 20\n[rates]\ncancel_factor = 3\n",
      "file");
  ASSERT_TRUE(config.ok()) << config.status();
  const GatewayOptions options = ToGatewayOptions(*config);
  EXPECT_EQ(options.logon_timeout.count(), 70);
  EXPECT_EQ(options.heartbeat_default_s, 9);
  EXPECT_EQ(options.device_output_bytes, 20U * 1'024);
  EXPECT_EQ(options.cancel_factor, 3U);
}

TEST(Config, RefusesAnUnknownKeyWithItsPlaceAndThoseThatThereAre) {
  const std::string error = ErrorOf("[listen]\nport = 1\nprot = 2\n");
  EXPECT_THAT(error, HasSubstr("peerwattd.toml:3: unknown key prot"));
  EXPECT_THAT(error, HasSubstr("gateway_threads"));
}

TEST(Config, RefusesAnUnknownTable) {
  EXPECT_THAT(ErrorOf("\n[lisen]\nport = 1\n"),
              HasSubstr("peerwattd.toml:2: unknown table [lisen]"));
  EXPECT_THAT(ErrorOf("[[listen]]\nport = 1\n"), HasSubstr("unknown table"));
}

TEST(Config, RefusesAKeyOutsideOfTables) {
  EXPECT_THAT(ErrorOf("\nport = 1\n"), HasSubstr("peerwattd.toml:2: a key outside of any table"));
}

TEST(Config, RefusesAnImpossibleNumberAndSaysWhatIsAllowed) {
  EXPECT_THAT(
      ErrorOf("[listen]\nport = 65536\n"),
      HasSubstr("peerwattd.toml:2: port = 65536: allowed is a whole number from 0 to 65535"));
  EXPECT_THAT(ErrorOf("[listen]\nport = \"x\"\n"), HasSubstr("whole number from 0 to 65535"));
  EXPECT_THAT(ErrorOf("[listen]\nport = 1.5\n"), HasSubstr("whole number from 0 to 65535"));
}

TEST(Config, RefusesAnImpossibleWordAndSaysWhatIsAllowed) {
  EXPECT_THAT(ErrorOf("[journal]\nbackend = \"aio\"\n"),
              HasSubstr("peerwattd.toml:2: backend = \"aio\": allowed is \"auto\", \"io_uring\", "
                        "\"posix\""));
  EXPECT_THAT(ErrorOf("[listen]\naddress = \"localhost\"\n"), HasSubstr(":2: address: allowed is"));
}

// The library asserts of such files what does not hold.
TEST(Config, RefusesWhatItsParserWouldStopTheProcessFor) {
  for (const char* text : {"[[[a]]]", "[[=", "[[[1]]]\n"}) {
    EXPECT_EQ(ErrorOf(text), "peerwattd.toml:1: this is no TOML");
    EXPECT_EQ(ErrorOf("[listen]\nport = 5\n" + std::string(text)),
              "peerwattd.toml:3: this is no TOML");
  }
}

// The library's table of white space has holes, which its own optimiser may fall into.
TEST(Config, RefusesCharactersThatNoLineOfItBeginsWith) {
  for (const char* text : {"\u00e4", "\u0499", "\u2dce", "\ufefe", "\u3001", "\ufb66"}) {
    EXPECT_THAT(ErrorOf("[listen]\n" + std::string(text)), HasSubstr("peerwattd.toml:2: "));
    EXPECT_THAT(ErrorOf("[listen]\nport = 5" + std::string(text)), HasSubstr("peerwattd.toml:2: "));
  }
}

TEST(Config, RefusesWhatDoesNotGoTogether) {
  EXPECT_THAT(ErrorOf("[sessions]\nheartbeat_min_s = 60\n"),
              HasSubstr("peerwattd.toml:2: sessions.heartbeat_min_s: allowed is"));
  EXPECT_THAT(ErrorOf("[sessions]\nheartbeat_max_s = 5\n"),
              AllOf(HasSubstr("peerwattd.toml:2: sessions.heartbeat_max_s: allowed is"),
                    HasSubstr(", here 1, 30, 5")));
  EXPECT_THAT(ErrorOf("[rings]\n\ncommand_kib = 1000\n"),
              HasSubstr(":3: rings.command_kib: allowed is a power of two"));
  EXPECT_THAT(ErrorOf("[rings]\nevents = 5000\n"), HasSubstr(":2: rings.events: allowed is"));
  EXPECT_THAT(ErrorOf("[journal]\nbatch_kib = 1022\n"), HasSubstr(":2: journal.batch_kib"));
  EXPECT_THAT(ErrorOf("[journal]\nkeep_days = 30\nsnapshot_segments = 0\n"),
              HasSubstr(":3: journal.snapshot_segments: without snapshots nothing may be removed"));
  EXPECT_EQ(ErrorOf("[journal]\nsnapshot_segments = 0\nkeep_days = 0\n"), "");
}

TEST(Config, RefusesToBeHeardFromElsewhereWithoutEncryption) {
  const std::string everywhere = "[listen]\naddress = \"0.0.0.0\"\n";
  EXPECT_THAT(ErrorOf(everywhere), AllOf(HasSubstr("peerwattd.toml:2: listen.address: "),
                                         HasSubstr("need [tls], or insecure = true")));
  EXPECT_THAT(ErrorOf("[listen]\naddress = \"10.1.2.3\"\ninsecure = false\n"), HasSubstr(":2: "));
  EXPECT_EQ(ErrorOf(everywhere + "insecure = true\n"), "");
  EXPECT_EQ(ErrorOf("[listen]\naddress = \"127.8.7.6\"\n"), "");
  EXPECT_EQ(ErrorOf(everywhere + "[tls]\ncertificate = \"c\"\nkey = \"k\"\n"
                                 "authorities = \"a\"\n"),
            "");
  EXPECT_THAT(ErrorOf("[listen]\ninsecure = 1\n"), HasSubstr(":2: insecure: allowed is true or"));
}

TEST(Config, TakesTheFilesOfTlsTogether) {
  const auto config = ParseConfig(
      "[tls]\ncertificate = \"c\"\nkey = \"k\"\nauthorities = \"a\"\nrevoked = \"r\"\n", "file");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls, (TlsFiles{"c", "k", "a", "r"}));
  for (const char* part : {"certificate = \"c\"\nkey = \"k\"\n", "revoked = \"r\"\n",
                           "key = \"k\"\nauthorities = \"a\"\n"}) {
    EXPECT_THAT(ErrorOf("[tls]\n" + std::string(part)),
                HasSubstr("certificate, key and authorities go together"));
  }
  EXPECT_THAT(ErrorOf("[tls]\nkey = 5\n"), HasSubstr(":2: key: allowed is the name of a file"));
  EXPECT_THAT(ErrorOf("[tls]\nca = \"a\"\n"), HasSubstr("authorities"));
}

TEST(Config, RefusesTextThatIsNotToml) {
  EXPECT_THAT(ErrorOf("[listen]\nport = \n"), HasSubstr("peerwattd.toml:2: "));
}

}  // namespace
}  // namespace gateway
