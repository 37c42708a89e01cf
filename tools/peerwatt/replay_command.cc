#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "tools/peerwatt/address.h"
#include "tools/peerwatt/city_report.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/network_replay.h"
#include "tools/peerwatt/offline_replay.h"

namespace tools {
namespace {

struct ReplayArguments {
  std::string feed;
  bool offline = false;
  std::string to;
  std::string setup;
  std::size_t connections = 0;
  std::string rate = "clock";
  std::string mix = "100:0:0";
  bool json = false;
  bool table = false;
  NetworkReplayOptions network;
};

absl::Status Offline(const ReplayArguments& arguments) {
  const absl::StatusOr<OfflineReplay> result = ReplayOffline(arguments.feed);
  if (!result.ok()) return result.status();
  const double seconds = static_cast<double>(result->elapsed_ns) / 1e9;
  nlohmann::ordered_json json;
  json["orders"] = result->orders;
  json["commands"] = result->commands;
  json["refused"] = result->refused;
  json["rounds"] = result->rounds;
  json["fills"] = result->fills;
  json["energy_wh"] = result->energy_wh;
  json["seconds"] = seconds;
  json["orders_per_second"] = static_cast<double>(result->orders) / seconds;
  json["digest"] = engine::ToHex(result->digest);
  if (arguments.json) {
    std::cout << json.dump(2) << "\n";
    return absl::OkStatus();
  }
  for (const auto& [name, value] : json.items()) std::cout << name << "  " << value << "\n";
  return absl::OkStatus();
}

absl::Status SetRate(ReplayArguments& arguments) {
  NetworkReplayOptions& network = arguments.network;
  if (arguments.rate == "clock") {
    network.rate = ReplayRate::kClock;
  } else if (arguments.rate == "max") {
    network.rate = ReplayRate::kMax;
  } else {
    network.rate = ReplayRate::kFixed;
    if (!absl::SimpleAtod(arguments.rate, &network.orders_per_second) ||
        !(network.orders_per_second > 0)) {
      return absl::InvalidArgumentError("--rate: expected clock, max or orders a second");
    }
  }
  return absl::OkStatus();
}

absl::Status SetMix(ReplayArguments& arguments) {
  ReplayPlay& play = arguments.network.play;
  const std::vector<std::string> parts = absl::StrSplit(arguments.mix, ':');
  const bool numbers = parts.size() == 3 && absl::SimpleAtoi(parts[0], &play.live) &&
                       absl::SimpleAtoi(parts[1], &play.slow) &&
                       absl::SimpleAtoi(parts[2], &play.silent);
  const std::uint64_t sum = std::uint64_t{play.live} + play.slow + play.silent;
  if (numbers && sum > 0 && sum <= 1'000'000) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--mix: expected LIVE:SLOW:SILENT, three numbers that add up to 1 to 1000000");
}

absl::Status OverNetwork(ReplayArguments& arguments) {
  const absl::StatusOr<Address> to = ParseAddress(arguments.to);
  if (!to.ok()) return to.status();
  arguments.network.host = to->host;
  arguments.network.port = to->port;
  if (absl::Status status = SetRate(arguments); !status.ok()) return status;
  if (absl::Status status = SetMix(arguments); !status.ok()) return status;
  if (arguments.setup.empty()) arguments.setup = DefaultSetupFolder(arguments.feed);
  if (!std::filesystem::is_directory(arguments.setup)) {
    return absl::NotFoundError(absl::StrCat(
        arguments.setup, ": no such folder: --to needs the tokens of the daemon's credentials; ",
        "`peerwatt feed setup ", arguments.feed, "` makes them, `peerwattd init` makes a daemon ",
        "that knows them, and --setup names another folder"));
  }
  const absl::StatusOr<ReplayPlan> plan =
      MakeReplayPlan(arguments.feed, arguments.setup, arguments.connections);
  if (!plan.ok()) return plan.status();
  const absl::StatusOr<NetworkReplayResult> result = ReplayOverNetwork(*plan, arguments.network);
  if (!result.ok()) return result.status();
  if (arguments.table) PrintCityTable(*plan, *result, std::cout);
  if (arguments.json) {
    PrintReplayJson(*result, std::cout);
  } else {
    PrintReplayText(*result, std::cout);
  }
  return absl::OkStatus();
}

void AddTls(CLI::App& command, NetworkReplayOptions& network) {
  AddTlsOptions(command, network.tls);
  command.add_option(
      "--certificates", network.certificates,
      "Over TLS: a folder with N.pem, certificate and key of credential N, for each");
}

void AddTimes(CLI::App& command, NetworkReplayOptions& network) {
  command
      .add_option("--wait-s", network.wait_s,
                  "With R and max: after the last answer, wait for the rounds whose gates come "
                  "within so many seconds; fills of later ones are told as not waited for")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  command
      .add_option("--burst-s", network.burst_s,
                  "Tell apart of the orders that are due within so many seconds before a gate, and "
                  "how long after a gate the last fill came; 0: do not")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{3'600}))
      ->capture_default_str();
}

}  // namespace

void AddReplayCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "replay", "Send a recorded feed through the bare engine or to a daemon, and measure");
  const auto arguments = std::make_shared<ReplayArguments>();
  NetworkReplayOptions& network = arguments->network;
  command->add_option("FEED", arguments->feed, "A feed: see `peerwatt feed`")->required();
  CLI::Option* offline = command->add_flag("--offline", arguments->offline,
                                           "Through the bare engine, in this process");
  CLI::Option* to = command->add_option("--to", arguments->to, "HOST:PORT of a daemon");
  offline->excludes(to);
  command->add_option("--setup", arguments->setup,
                      "The folder that `peerwatt feed setup` wrote, from which the daemon was made "
                      "[FEED.setup]");
  command->add_option("--connections", arguments->connections,
                      "How many; each credential of the setup has one, so N is what `feed setup "
                      "--credentials N` had, or is refused (0: as many as there are)");
  command
      ->add_option("--rate", arguments->rate,
                   "clock: at the feed's times on the daemon's clock; R: so many orders a second "
                   "(both open loop: latency counts from when an order was due); max: as fast "
                   "as answers come. With R and max, slots are moved to the products now open")
      ->capture_default_str();
  command->add_option("--batch", network.batch, "Orders in one frame at most")
      ->check(CLI::Range(std::size_t{1}, std::size_t{engine::kFrameOrdersMax}))
      ->capture_default_str();
  command->add_option("--window", network.window, "Unanswered frames a connection")
      ->check(CLI::Range(1U, engine::kAnswersKept))
      ->capture_default_str();
  command->add_option("--timeout-s", network.timeout_s, "For all orders to be answered")
      ->check(CLI::Range(1, 604'800))
      ->capture_default_str();
  command
      ->add_option("--theta", network.play.theta,
                   "Bids are sent as live ones, for markets whose rounds are games: a home's "
                   "answer to a called price p is (limit - p) / theta MWh, in ticks per MWh")
      ->capture_default_str();
  command
      ->add_option("--mix", arguments->mix,
                   "LIVE:SLOW:SILENT, how many of the homes answer at once, late or never")
      ->capture_default_str();
  command->add_option("--slow-ms", network.play.slow_ms, "How late slow homes answer")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  command->add_option("--acks", network.acks, "Write every answer to this file, for crash checks");
  AddTls(*command, network);
  AddTimes(*command, network);
  command->add_flag("--table", arguments->table, "Print what each hour came to");
  command->add_flag("--json", arguments->json, "Print the result as JSON");
  command->callback([arguments, &action] {
    action = [arguments] {
      if (arguments->offline) return Offline(*arguments);
      if (!arguments->to.empty()) return OverNetwork(*arguments);
      return absl::InvalidArgumentError("replay: expected --offline or --to HOST:PORT");
    };
  });
}

}  // namespace tools
