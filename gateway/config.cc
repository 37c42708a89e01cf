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
#include "gateway/config_numbers.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

struct TextKey {
  std::string_view table;
  std::string_view key;
  std::string_view meaning;
  std::string_view allowed;
};
constexpr TextKey kAddress = {"listen", "address",
                              "IP address; one that is not loopback needs [tls], or insecure",
                              "an IP address"};
constexpr TextKey kInsecure = {"listen", "insecure",
                               "true: connections from elsewhere though nothing is encrypted; "
                               "whoever listens on the way has the tokens",
                               "true, false"};
constexpr TextKey kBackend = {"journal", "backend",
                              "how it is written: io_uring, posix (a thread with fdatasync), or "
                              "auto, the first that works",
                              "\"auto\", \"io_uring\", \"posix\""};
constexpr TextKey kLevel = {"log", "level", "the least that is logged, to standard error",
                            "\"debug\", \"info\", \"warning\", \"error\""};

constexpr std::string_view kTlsTable = "tls";
struct FileKey {
  std::string_view key;  // Of [tls].
  std::string TlsFiles::*field;
  std::string_view meaning;
};
constexpr FileKey kFiles[] = {
    {"certificate", &TlsFiles::certificate,
     "the daemon's own, and behind it those that clients need to trust it; with this and the two "
     "below, all connections are TLS 1.3 or 1.2 and clients log on by certificate"},
    {"key", &TlsFiles::key, "of that certificate, without a password"},
    {"authorities", &TlsFiles::authorities, "the issuers of clients' certificates"},
    {"revoked", &TlsFiles::revoked,
     "lists of certificates that are good no more, one of each authority; empty: none. SIGHUP "
     "reads "
     "all four again"},
};

constexpr std::string_view kTables[] = {"listen",  "tls",    "connections", "sessions", "rates",
                                        "journal", "outbox", "rings",       "memory",   "log"};

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

absl::Status TakeInsecure(const TomlEntry& entry, const std::string& file, Config& config) {
  const bool* const value = std::get_if<bool>(&entry.value);
  if (value == nullptr) return ErrorAt(file, entry.line, "insecure: allowed is true or false");
  config.listen_insecure = *value;
  return absl::OkStatus();
}

absl::Status TakeFile(const FileKey& key, const TomlEntry& entry, const std::string& file,
                      Config& config) {
  const auto* const path = std::get_if<std::string>(&entry.value);
  if (path == nullptr) {
    return ErrorAt(file, entry.line,
                   absl::StrCat(Absl(key.key), ": allowed is the name of a file"));
  }
  config.tls.*(key.field) = *path;
  return absl::OkStatus();
}

absl::Status UnknownKey(const TomlTable& table, const TomlEntry& entry, const std::string& file) {
  std::string known;
  for (const IntegerKey& key : kIntegers) {
    if (key.table == table.name) absl::StrAppend(&known, " ", Absl(key.key));
  }
  for (const TextKey* key : {&kAddress, &kInsecure, &kBackend, &kLevel}) {
    if (key->table == table.name) absl::StrAppend(&known, " ", Absl(key->key));
  }
  for (const FileKey& key : kFiles) {
    if (table.name == kTlsTable) absl::StrAppend(&known, " ", Absl(key.key));
  }
  return ErrorAt(file, entry.line,
                 absl::StrCat("unknown key ", entry.key, "; [", table.name, "] has:", known));
}

absl::Status TakeEntry(const TomlTable& table, const TomlEntry& entry, const std::string& file,
                       Config& config) {
  if (Is(kAddress, table, entry)) return TakeAddress(entry, file, config);
  if (Is(kInsecure, table, entry)) return TakeInsecure(entry, file, config);
  for (const FileKey& key : kFiles) {
    if (table.name == kTlsTable && entry.key == key.key) return TakeFile(key, entry, file, config);
  }
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
  const TlsFiles& tls = config.tls;
  const bool encrypted = !tls.certificate.empty();
  const bool whole = encrypted == !tls.key.empty() && encrypted == !tls.authorities.empty() &&
                     (encrypted || tls.revoked.empty());
  const auto address = boost::asio::ip::make_address(config.listen_address);
  const bool safe = encrypted || config.listen_insecure || address.is_loopback();
  const std::string heartbeats_are = absl::StrCat(
      "allowed is heartbeat_min_s <= heartbeat_default_s <= heartbeat_max_s, here ",
      config.heartbeat_min_s, ", ", config.heartbeat_default_s, ", ", config.heartbeat_max_s);
  const struct {
    bool holds;
    std::array<std::string_view, 4> keys;
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
      {config.journal_keep_days == 0 || config.journal_snapshot_segments > 0,
       {"journal.keep_days", "journal.snapshot_segments"},
       "without snapshots nothing may be removed: keep_days above 0 needs snapshot_segments above "
       "0"},
      {whole,
       {"tls.certificate", "tls.key", "tls.authorities", "tls.revoked"},
       "certificate, key and authorities go together"},
      {safe,
       {"listen.address"},
       "connections from elsewhere need [tls], or insecure = true: tokens would not be encrypted"},
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
  const auto put = [&](std::string_view meaning, std::string_view allowed, std::string_view key,
                       const std::string& value) {
    absl::StrAppend(&text, "\n# ", Absl(meaning), ".\n# Allowed: ", Absl(allowed), ".\n", Absl(key),
                    " = ", value, "\n");
  };
  const auto quoted = [](std::string_view words) { return absl::StrCat("\"", Absl(words), "\""); };
  const auto put_text = [&](const TextKey& key, std::string_view table, const std::string& value) {
    if (table == key.table) put(key.meaning, key.allowed, key.key, value);
  };
  for (const std::string_view table : kTables) {
    absl::StrAppend(&text, "\n[", Absl(table), "]\n");
    put_text(kAddress, table, quoted(config.listen_address));
    put_text(kInsecure, table, "false");
    put_text(kBackend, table, quoted("auto"));
    put_text(kLevel, table, quoted(config.log_level));
    for (const FileKey& key : kFiles) {
      if (table == kTlsTable) put(key.meaning, "the name of a PEM file", key.key, quoted(""));
    }
    for (const IntegerKey& key : kIntegers) {
      if (key.table != table) continue;
      put(key.meaning, absl::StrCat(key.range.low, " to ", key.range.high), key.key,
          absl::StrCat(config.*(key.field)));
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
  options.accepts_per_second = u32(config.accepts_per_second);
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
