#include "gateway/config.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/ip/address.hpp"
#include "gateway/absl_view.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

struct IntegerKey {
  std::string_view table;
  std::string_view key;
  std::int64_t Config::*field;
  IntegerRange range;
  std::string_view meaning;
};

constexpr std::int64_t kDayMs = 86'400'000;

// One row a key: the parser and the default file come from the same words.
constexpr IntegerKey kIntegers[] = {
    {"listen",
     "port",
     &Config::listen_port,
     {0, 65'535},
     "TCP port; 0 takes any that is free and logs which"},
    {"listen",
     "gateway_threads",
     &Config::gateway_threads,
     {1, 64},
     "threads that serve connections; more than the cores left over by the shard do not help"},
    {"connections",
     "max",
     &Config::max_connections,
     {1, 1'000'000},
     "connections at once; more are told to come back"},
    {"connections",
     "memory_mib",
     &Config::connection_memory_mib,
     {1, 1'048'576},
     "MiB for frames not yet whole and output not yet sent, of all connections together"},
    {"connections",
     "device_output_kib",
     &Config::device_output_kib,
     {16, 1'048'576},
     "KiB that may wait for a device that does not read; then its connection ends"},
    {"connections",
     "aggregator_output_kib",
     &Config::aggregator_output_kib,
     {128, 1'048'576},
     "the same for aggregators and operators: a round's fills for all their accounts"},
    {"sessions",
     "logon_timeout_ms",
     &Config::logon_timeout_ms,
     {10, kDayMs},
     "from the connection to the Logon"},
    {"sessions",
     "frame_timeout_ms",
     &Config::frame_timeout_ms,
     {10, kDayMs},
     "from a frame's first byte to its last"},
    {"sessions",
     "slow_reader_timeout_ms",
     &Config::slow_reader_timeout_ms,
     {10, kDayMs},
     "while output waits and the client takes not one byte"},
    {"sessions",
     "idle_slack_ms",
     &Config::idle_slack_ms,
     {10, kDayMs},
     "a client silent for two heartbeats and this is gone"},
    {"sessions",
     "reconnect_after_ms",
     &Config::reconnect_after_ms,
     {1, kDayMs},
     "told to clients whose connection ends through no fault of theirs"},
    {"sessions",
     "heartbeat_default_s",
     &Config::heartbeat_default_s,
     {1, 300},
     "for clients that ask for none"},
    {"sessions", "heartbeat_min_s", &Config::heartbeat_min_s, {1, 300}, "the shortest granted"},
    {"sessions", "heartbeat_max_s", &Config::heartbeat_max_s, {1, 300}, "the longest granted"},
    {"rates",
     "device_orders_per_second",
     &Config::device_orders_per_second,
     {1, kU32},
     "of a device whose credential has no rate of its own"},
    {"rates",
     "aggregator_orders_per_second",
     &Config::aggregator_orders_per_second,
     {1, kU32},
     "of an aggregator"},
    {"rates",
     "operator_orders_per_second",
     &Config::operator_orders_per_second,
     {1, kU32},
     "of an operator"},
    {"rates",
     "cancel_factor",
     &Config::cancel_factor,
     {1, 1'000},
     "cancels and answers to prices have a rate of their own, so many times as high"},
    {"journal", "segment_mib", &Config::journal_segment_mib, {8, 4'096}, "MiB of one journal file"},
    {"journal",
     "batch_kib",
     &Config::journal_batch_kib,
     {256, 4'096},
     "KiB written and synced at once, at most; a multiple of 4"},
    {"journal",
     "snapshot_segments",
     &Config::journal_snapshot_segments,
     {0, 1'024},
     "journal files between two snapshots, which a start goes on from; 0 makes none and needs half "
     "of the memory"},
    {"outbox",
     "keep_hours",
     &Config::outbox_keep_hours,
     {1, 8'760},
     "hours of exchange time that fills and other numbered events are kept for who was away"},
    {"outbox",
     "limit_mib",
     &Config::outbox_limit_mib,
     {64, 1'048'576},
     "MiB of them on disk at most; the oldest go first. A ninth of it is taken of the memory"},
    {"rings",
     "command_kib",
     &Config::ring_command_kib,
     {128, 1'048'576},
     "KiB of commands between a gateway thread and the shard; a power of two"},
    {"rings",
     "events",
     &Config::ring_events,
     {1'024, 16'777'216},
     "events on the way back; a power of two"},
    {"memory",
     "limit_mib",
     &Config::memory_limit_mib,
     {0, 1'073'741'824},
     "MiB that the worst case may come to, else the start is refused; 0: what the machine has"},
};

struct TextKey {
  std::string_view table;
  std::string_view key;
  std::string_view meaning;
};
constexpr TextKey kAddress = {"listen", "address",
                              "IP address; keep loopback or a private network: tokens are not "
                              "encrypted on the way"};
constexpr TextKey kBackend = {"journal", "backend",
                              "how it is written: io_uring, posix (a thread with fdatasync), or "
                              "auto, the first that works"};
constexpr TextKey kLevel = {"log", "level", "the least that is logged, to standard error"};

constexpr std::string_view kTables[] = {"listen", "connections", "sessions", "rates", "journal",
                                        "outbox", "rings",       "memory",   "log"};

const std::vector<std::string_view>& Backends() {
  static const std::vector<std::string_view> words = {"auto", "io_uring", "posix"};
  return words;
}
const std::vector<std::string_view>& Levels() {
  static const std::vector<std::string_view> words = {"debug", "info", "warning", "error"};
  return words;
}

bool Is(const TextKey& key, const TomlTable& table, const TomlEntry& entry) {
  return table.name == key.table && entry.key == key.key;
}

absl::Status TakeAddress(const TomlEntry& entry, const std::string& file, Config& config) {
  const auto* text = std::get_if<std::string>(&entry.value);
  boost::system::error_code error;
  if (text != nullptr) boost::asio::ip::make_address(*text, error);
  if (text == nullptr || error) {
    return ErrorAt(file, entry.line, "address: allowed is an IP address such as \"127.0.0.1\"");
  }
  config.listen_address = *text;
  return absl::OkStatus();
}

absl::Status UnknownKey(const TomlTable& table, const TomlEntry& entry, const std::string& file) {
  std::string known;
  for (const IntegerKey& key : kIntegers) {
    if (key.table == table.name) absl::StrAppend(&known, " ", Absl(key.key));
  }
  for (const TextKey* key : {&kAddress, &kBackend, &kLevel}) {
    if (key->table == table.name) absl::StrAppend(&known, " ", Absl(key->key));
  }
  return ErrorAt(file, entry.line,
                 absl::StrCat("unknown key ", entry.key, "; [", table.name, "] has:", known));
}

absl::Status TakeEntry(const TomlTable& table, const TomlEntry& entry, const std::string& file,
                       Config& config) {
  if (Is(kAddress, table, entry)) return TakeAddress(entry, file, config);
  if (Is(kBackend, table, entry)) {
    const auto word = WordOf(entry, Backends(), file);
    if (word.ok()) config.journal_backend = static_cast<engine::WriterChoice>(*word);
    return word.status();
  }
  if (Is(kLevel, table, entry)) {
    const auto word = WordOf(entry, Levels(), file);
    if (word.ok()) config.log_level = std::string(Levels()[*word]);
    return word.status();
  }
  const auto* const key =
      std::find_if(std::begin(kIntegers), std::end(kIntegers), [&](const IntegerKey& candidate) {
        return candidate.table == table.name && candidate.key == entry.key;
      });
  if (key == std::end(kIntegers)) return UnknownKey(table, entry, file);
  const auto number = IntegerIn(entry, key->range, file);
  if (number.ok()) config.*(key->field) = *number;
  return number.status();
}

absl::Status CheckTable(const TomlTable& table, const std::string& file) {
  const bool known =
      std::find(std::begin(kTables), std::end(kTables), table.name) != std::end(kTables);
  if (known && !table.in_array) return absl::OkStatus();
  std::string allowed;
  for (const std::string_view name : kTables) absl::StrAppend(&allowed, " [", Absl(name), "]");
  const std::uint32_t line = table.name.empty() ? table.entries.front().line : table.line;
  return ErrorAt(file, line,
                 absl::StrCat(table.name.empty() ? "a key outside of any table"
                                                 : absl::StrCat("unknown table [", table.name, "]"),
                              "; allowed are", allowed));
}

bool IsPowerOfTwo(std::int64_t number) { return (number & (number - 1)) == 0; }

// Where the keys of the file are, by "table.key".
using KeyLines = std::map<std::string, std::uint32_t, std::less<>>;

// What no single range can tell. The place is that of the last of the keys that the file has: it
// has one, since the defaults go together.
absl::Status CheckTogether(const Config& config, const KeyLines& lines, const std::string& file) {
  const bool heartbeats = config.heartbeat_min_s <= config.heartbeat_default_s &&
                          config.heartbeat_default_s <= config.heartbeat_max_s;
  const bool batch = config.journal_batch_kib % 4 == 0 &&
                     config.journal_batch_kib * 2 <= config.journal_segment_mib * 1'024;
  const std::string heartbeats_are = absl::StrCat(
      "allowed is heartbeat_min_s <= heartbeat_default_s <= heartbeat_max_s, here ",
      config.heartbeat_min_s, ", ", config.heartbeat_default_s, ", ", config.heartbeat_max_s);
  const struct {
    bool holds;
    std::array<std::string_view, 3> keys;
    std::string_view allowed;
  } rules[] = {
      {heartbeats,
       {"sessions.heartbeat_min_s", "sessions.heartbeat_default_s", "sessions.heartbeat_max_s"},
       heartbeats_are},
      {IsPowerOfTwo(config.ring_command_kib),
       {"rings.command_kib"},
       "allowed is a power of two from 128 to 1048576"},
      {IsPowerOfTwo(config.ring_events),
       {"rings.events"},
       "allowed is a power of two from 1024 to 16777216"},
      {batch,
       {"journal.batch_kib", "journal.segment_mib"},
       "allowed is a multiple of 4, at most half of a segment"},
  };
  for (const auto& rule : rules) {
    if (rule.holds) continue;
    auto last = lines.end();
    for (const std::string_view key : rule.keys) {
      const auto found = lines.find(key);
      if (found == lines.end()) continue;
      if (last == lines.end() || found->second > last->second) last = found;
    }
    return ErrorAt(file, last->second, absl::StrCat(last->first, ": ", Absl(rule.allowed)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& file) {
  const auto tables = ParseToml(text, file);
  if (!tables.ok()) return tables.status();
  Config config;
  KeyLines lines;
  for (const TomlTable& table : *tables) {
    if (absl::Status status = CheckTable(table, file); !status.ok()) return status;
    for (const TomlEntry& entry : table.entries) {
      if (absl::Status status = TakeEntry(table, entry, file, config); !status.ok()) return status;
      lines[absl::StrCat(table.name, ".", entry.key)] = entry.line;
    }
  }
  if (absl::Status status = CheckTogether(config, lines, file); !status.ok()) return status;
  return config;
}

std::string DefaultConfigText() {
  const Config config;
  std::string text =
      "# peerwattd: what the process needs. Markets, accounts and credentials are\n"
      "# not here: `peerwattd init` and `peerwattd configure` put them into the\n"
      "# journal. Every key may be left out; these are the defaults.\n";
  const auto put_text = [&](const TextKey& key, std::string_view value, std::string_view allowed) {
    absl::StrAppend(&text, "\n# ", Absl(key.meaning), ".\n# Allowed: ", Absl(allowed), ".\n",
                    Absl(key.key), " = \"", Absl(value), "\"\n");
  };
  for (const std::string_view table : kTables) {
    absl::StrAppend(&text, "\n[", Absl(table), "]\n");
    if (table == kAddress.table) put_text(kAddress, config.listen_address, "an IP address");
    if (table == kBackend.table) put_text(kBackend, "auto", "\"auto\", \"io_uring\", \"posix\"");
    if (table == kLevel.table) {
      put_text(kLevel, config.log_level, "\"debug\", \"info\", \"warning\", \"error\"");
    }
    for (const IntegerKey& key : kIntegers) {
      if (key.table != table) continue;
      absl::StrAppend(&text, "\n# ", Absl(key.meaning), ".\n# Allowed: ", key.range.low, " to ",
                      key.range.high, ".\n", Absl(key.key), " = ", config.*(key.field), "\n");
    }
  }
  return text;
}

GatewayOptions ToGatewayOptions(const Config& config) {
  using Milliseconds = GatewayOptions::Milliseconds;
  const auto u16 = [](std::int64_t number) { return static_cast<std::uint16_t>(number); };
  const auto u32 = [](std::int64_t number) { return static_cast<std::uint32_t>(number); };
  GatewayOptions options;
  options.logon_timeout = Milliseconds(config.logon_timeout_ms);
  options.frame_timeout = Milliseconds(config.frame_timeout_ms);
  options.slow_reader_timeout = Milliseconds(config.slow_reader_timeout_ms);
  options.idle_slack = Milliseconds(config.idle_slack_ms);
  options.reconnect_after_ms = u32(config.reconnect_after_ms);
  options.heartbeat_default_s = u16(config.heartbeat_default_s);
  options.heartbeat_min_s = u16(config.heartbeat_min_s);
  options.heartbeat_max_s = u16(config.heartbeat_max_s);
  options.device_output_bytes = static_cast<std::size_t>(config.device_output_kib) << 10;
  options.aggregator_output_bytes = static_cast<std::size_t>(config.aggregator_output_kib) << 10;
  options.device_orders_per_second = u32(config.device_orders_per_second);
  options.aggregator_orders_per_second = u32(config.aggregator_orders_per_second);
  options.operator_orders_per_second = u32(config.operator_orders_per_second);
  options.cancel_factor = u32(config.cancel_factor);
  return options;
}

}  // namespace gateway
