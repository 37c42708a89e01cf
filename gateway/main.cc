// peerwattd: the exchange. What it is made of, and in which order it starts and ends.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/runtime/follower.h"
#include "engine/runtime/follower_thread.h"
#include "gateway/act_reason.h"
#include "gateway/administration.h"
#include "gateway/config.h"
#include "gateway/daemon.h"
#include "gateway/market_file.h"
#include "gateway/memory_plan.h"
#include "gateway/status_log.h"
#include "gateway/tls_identity.h"
#include "gateway/token.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

// As in sysexits.h.
constexpr int kUsage = 64;
constexpr int kDataError = 65;
constexpr int kNoInput = 66;
constexpr int kUnavailable = 69;
constexpr int kIoError = 74;
constexpr int kConfigError = 78;

int Fail(const absl::Status& status, int code) {
  spdlog::error("{}", std::string(status.message()));
  return code;
}

int CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kConfigError;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kDataLoss:
      return kDataError;
    case absl::StatusCode::kNotFound:
      return kNoInput;
    default:
      return kIoError;
  }
}

void StartLog() {
  auto log = spdlog::stderr_logger_mt("peerwattd");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

// Every connection needs a descriptor, and the journal its own: to run out of them would stop it.
void FitConnectionsToDescriptors(Config& config) {
  constexpr rlim_t kReserve = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const auto most = static_cast<std::int64_t>(std::max(limit.rlim_cur, kReserve + 1) - kReserve);
  if (config.max_connections <= most) return;
  spdlog::warn("connections.max is {} here and not {}: the process may open {} files (ulimit -n)",
               most, config.max_connections, limit.rlim_cur);
  config.max_connections = most;
}

// What is asked for by signal no thread but main hears.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void SayWhatWasRemoved(const engine::Follower::Step& step) {
  if (!step.removal_status.ok()) {
    spdlog::error("old journal segments stay for now: {}",
                  std::string(step.removal_status.message()));
  }
  if (!step.held_by.empty()) {
    spdlog::warn("old journal segments stay because of {}", step.held_by);
  }
  if (step.removed == 0) return;
  spdlog::info("removed {} journal segments; the journal begins with seq={}", step.removed,
               step.begins_with);
}

// Where a follower comes to something else no start could recover: the sooner it stops the better.
// Else snapshots are a help, and trading goes on without.
void FollowerDid(const absl::StatusOr<engine::Follower::Step>& step) {
  if (absl::IsDataLoss(step.status())) {
    spdlog::critical("the follower stopped: {}", std::string(step.status().message()));
    std::_Exit(kDataError);
  }
  if (!step.ok()) {
    spdlog::error("the follower tries again in a minute: {}", std::string(step.status().message()));
    return;
  }
  for (const std::string& damaged : step->damaged) spdlog::warn("passed over: {}", damaged);
  if (!step->snapshot_status.ok()) {
    spdlog::warn("no snapshot: {}", std::string(step->snapshot_status.message()));
  }
  if (step->snapshot) {
    spdlog::info("snapshot seq={} digest={} bytes={}", step->snapshot->sequence,
                 engine::ToHex(step->snapshot->digest), step->snapshot->state_bytes);
  }
  SayWhatWasRemoved(*step);
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  if (path.empty()) return Config();
  const auto text = ReadText(path);
  if (!text.ok()) return text.status();
  return ParseConfig(*text, path);
}

// Says what the daemon does until a signal asks it to stop.
int WaitForStop(const sigset_t& signals, Daemon& daemon) {
  StatusLog log = daemon.MakeStatusLog();
  for (;;) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    for (const StatusLine& line : log.Look(std::chrono::nanoseconds(now).count())) {
      constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
                                                       spdlog::level::err};
      spdlog::log(kLevels[static_cast<std::size_t>(line.level)], "{}", line.text);
    }
    constexpr timespec kLookAgain{.tv_sec = 1, .tv_nsec = 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &kLookAgain);
    if (signal == SIGHUP) {
      daemon.ReadCertificatesAgain();
    } else if (signal > 0) {
      return signal;
    }
  }
}

void SayWhatWasRecovered(const engine::Recovery& recovery) {
  if (const auto& cut = recovery.tail.cut; cut) {
    spdlog::warn("left out an unfinished batch that was never answered: {} byte {}", cut->file,
                 cut->offset);
  }
  for (const std::string& damaged : recovery.damaged) {
    spdlog::error("a snapshot is passed over: {}", damaged);
  }
  if (recovery.events_gone_to > 0) {
    spdlog::error(
        "the outbox lacks events up to seq={}, and the journal cannot make them again: who asks "
        "for "
        "them is told that they are gone",
        recovery.events_gone_to);
  }
  spdlog::info("recovered seq={} digest={} rounds={} snapshot={}", recovery.sequence,
               engine::ToHex(recovery.digest), recovery.rounds, recovery.snapshot_sequence);
}

int Run(const std::string& data, const std::string& config_path) {
  auto config = LoadConfig(config_path);
  if (!config.ok()) return Fail(config.status(), CodeOf(config.status()));
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  const sigset_t signals = BlockSignals();
  FitConnectionsToDescriptors(*config);

  const auto directory = engine::DataDirectory::Open(engine::PosixDisk(), data);
  if (!directory.ok()) return Fail(directory.status(), CodeOf(directory.status()));
  auto store = OpenEventStore(*directory, *config);
  if (!store.ok()) return Fail(store.status(), CodeOf(store.status()));
  for (const std::string& damaged : (*store)->damaged()) {
    spdlog::error("damaged, so that the outbox is made again as far as the journal goes back: {}",
                  damaged);
  }
  auto recovered = RecoverShard(*directory, store->get());
  if (!recovered.ok()) return Fail(recovered.status(), kDataError);
  SayWhatWasRecovered(recovered->recovery);
  for (const std::string& aside : (*store)->set_aside()) {
    spdlog::error("damaged, and the journal cannot make it again: kept as {}", aside);
  }
  const MemoryPlan memory = PlanMemory(*config, *recovered->exchange);
  const absl::Status fits = CheckMemory(memory, *config);
  if (!fits.ok()) return Fail(fits, kConfigError);
  spdlog::info("memory: {}", Describe(memory));
  const auto lottery = directory->OpenLotteryKey(engine::PosixDisk());
  if (!lottery.ok()) return Fail(lottery.status(), CodeOf(lottery.status()));
  if (lottery->made) {
    spdlog::warn("made a new lottery.key: rounds with a lottery that are open now will be void");
  }
  std::string writer;
  auto journal = OpenJournal(*directory, *config, recovered->recovery.tail, &writer,
                             /*takes_spare=*/true);
  if (!journal.ok()) return Fail(journal.status(), CodeOf(journal.status()));
  spdlog::info("journal by {}", writer);
  const std::int64_t factor = directory->description().clock_factor;
  if (factor != 1) spdlog::warn("demo clock: exchange time runs {} times as fast", factor);

  Daemon daemon(*config, directory->description());
  const engine::Recovery recovery = recovered->recovery;
  const absl::Status started = daemon.Start(*std::move(recovered), *std::move(journal),
                                            *std::move(store), engine::LotteryKey(lottery->key));
  if (!started.ok()) return Fail(started, kUnavailable);
  engine::ExchangeClock follower_clock(ScaleOf(directory->description()));
  std::optional<engine::Follower> follower;
  std::optional<engine::FollowerThread> follower_thread;
  if (config->journal_snapshot_segments > 0) {
    follower.emplace(MakeFollower(*directory, *config, recovery, daemon.outbox(), follower_clock));
    follower_thread.emplace(*follower, FollowerDid);
  }
  const int signal = WaitForStop(signals, daemon);
  spdlog::info("stopping on signal {}", signal);
  daemon.Stop();
  return 0;
}

int Init(InitOptions options, const std::string& clock_origin) {
  if (!clock_origin.empty()) {
    absl::Time origin;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, clock_origin, &origin, &error)) {
      spdlog::error("--clock-origin {}: allowed is a time such as 2024-06-01T00:00:00Z",
                    clock_origin);
      return kUsage;
    }
    options.clock_origin_ns = absl::ToUnixNanos(origin);
  }
  const auto token = Initialise(options);
  if (!token.ok()) return Fail(token.status(), CodeOf(token.status()));
  std::printf("%s is ready.\nThe operator's token, shown only this once (credential %u):\n%s\n",
              options.data.c_str(), static_cast<unsigned>(kFirstOperator), token->c_str());
  if (std::fflush(stdout) == 0) return 0;
  spdlog::error("the operator's token cannot be written and is lost: remove {} and begin again",
                options.data);
  return kIoError;
}

int ChangeDefinitions(const ConfigureOptions& options) {
  const auto changed = Configure(options);
  if (!changed.ok()) return Fail(changed.status(), CodeOf(changed.status()));
  std::printf("%zu definitions new or changed.\n", *changed);
  return 0;
}

// Without `make`: hashes of the lines of standard input.
int HashTokens(int make) {
  for (int i = 0; i < make; ++i) {
    const auto token = MakeToken();
    if (!token) return Fail(absl::UnavailableError("no random numbers"), kIoError);
    std::printf("%s,%s\n", token->c_str(), HexOfHash(HashToken(*token)).c_str());
  }
  std::string token;
  for (int line = 1; make == 0 && std::getline(std::cin, token); ++line) {
    if (token.ends_with('\r')) token.pop_back();
    if (token.empty()) {
      spdlog::error("line {} of standard input is empty: expected a token on each", line);
      return kDataError;
    }
    std::printf("%s\n", HexOfHash(HashToken(token)).c_str());
  }
  return 0;
}

// How a credential's certificate is named in a certificates file, and by utilities.
int HashCertificateFiles(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const auto hashes = HashCertificates(file);
    if (!hashes.ok()) return Fail(hashes.status(), kDataError);
    for (const engine::CertificateHash& hash : *hashes) {
      std::printf("%s,%s,%s\n", file.c_str(), HexOfHash(hash).c_str(), LfdiOf(hash).c_str());
    }
  }
  return 0;
}

void AddFiles(CLI::App& command, DefinitionFiles& files, bool required) {
  command.add_option("--markets", files.markets, "Markets, TOML")->required(required);
  command.add_option("--accounts", files.accounts, "Accounts, CSV");
  command.add_option("--credentials", files.credentials, "Credentials, CSV");
  command.add_option("--certificates", files.certificates, "Credentials' certificates, CSV");
}

CLI::Option* AddReason(CLI::App& command, std::string& reason) {
  return command.add_option("--reason", reason, "Why, for the journal: a line of text")
      ->check([](const std::string& text) {
        return std::string(IsReadableReason(text) ? "" : kReasonsAllowed);
      });
}

CLI::App* AddInit(CLI::App& app, InitOptions& options, std::string& clock_origin) {
  CLI::App* init = app.add_subcommand("init", "Make a data directory");
  init->add_option("--data", options.data, "The directory to make")->required();
  AddFiles(*init, options.files, true);
  init->add_option("--demo-clock", options.clock_factor, "Exchange time runs so much faster")
      ->check(CLI::Range(std::int64_t{1}, engine::kClockFactorMax));
  init->add_option("--clock-origin", clock_origin, "Exchange time now, as 2024-06-01T00:00:00Z");
  init->add_option("--shards", options.shards, "Shards; 1 in this version")
      ->check(CLI::Range(1U, 1U));
  init->add_option("--order-capacity", options.order_capacity, "Open orders, all books")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32));
  AddReason(*init, options.reason);
  return init;
}

CLI::App* AddConfigure(CLI::App& app, ConfigureOptions& options) {
  CLI::App* configure = app.add_subcommand("configure", "Journal changed definitions, offline");
  configure->add_option("--data", options.data, "The data directory")->required();
  AddFiles(*configure, options.files, false);
  AddReason(*configure, options.reason)->required();
  CLI::Option* who = configure->add_option(
      "--operator", options.operator_id,
      "The operator that acts, with the role administer; else it is the user who runs this");
  CLI::Option* token =
      configure->add_option("--token-file", options.token_file, "With the operator's token");
  who->needs(token)->check(CLI::Range(1U, UINT32_MAX));
  token->needs(who);
  return configure;
}

int Main(int argc, char** argv) {
  StartLog();
  CLI::App app("peerwattd: an exchange for electricity between neighbours");
  bool default_config = false;
  bool default_markets = false;
  app.set_version_flag("--version", std::string("peerwattd ") + PEERWATT_VERSION);
  app.add_flag("--print-default-config", default_config, "Every key of the configuration file");
  app.add_flag("--print-default-markets", default_markets, "Every key of a markets file");

  std::string data;
  InitOptions init_options;
  std::string clock_origin;
  CLI::App* init = AddInit(app, init_options, clock_origin);
  ConfigureOptions changes;
  CLI::App* configure = AddConfigure(app, changes);

  std::string config;
  CLI::App* run = app.add_subcommand("run", "Serve until SIGTERM or SIGINT");
  run->add_option("--data", data, "The data directory")->required();
  run->add_option("--config", config, "See --print-default-config");

  int make = 0;
  CLI::App* hash = app.add_subcommand("hash-token", "Hash the tokens on standard input");
  hash->add_option("--make", make, "Make so many tokens; prints token,hash")
      ->check(CLI::Range(0, 1'000'000));
  std::vector<std::string> certificates;
  CLI::App* hash_certificate =
      app.add_subcommand("hash-certificate", "Hash certificates; prints file,sha256,lfdi");
  hash_certificate->add_option("FILE", certificates, "PEM")->required();
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (default_config) std::fputs(DefaultConfigText().c_str(), stdout);
  if (default_markets) std::fputs(DefaultMarketText().c_str(), stdout);
  if (init->parsed()) return Init(init_options, clock_origin);
  if (configure->parsed()) return ChangeDefinitions(changes);
  if (run->parsed()) return Run(data, config);
  if (hash->parsed()) return HashTokens(make);
  if (hash_certificate->parsed()) return HashCertificateFiles(certificates);
  if (default_config || default_markets) return 0;
  std::fputs(app.help().c_str(), stderr);
  return kUsage;
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  try {
    const int code = gateway::Main(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fputs("peerwattd: the output cannot be written\n", stderr);
    return code == 0 ? 74 : code;
  } catch (...) {
    std::fputs("peerwattd: out of memory, or a fault of this program\n", stderr);
    return 70;
  }
}
