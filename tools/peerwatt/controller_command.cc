#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "tools/peerwatt/address.h"
#include "tools/peerwatt/client_tls.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/controller.h"

namespace tools {
namespace {

struct ControllerArguments {
  ControllerOptions options;
  ClientTls tls;
  std::string to;
  std::string side;
  std::uint64_t account = 0;
  std::uint64_t client_order_id = 1;
  std::uint32_t market = 1;
};

absl::Status Control(ControllerArguments& arguments) {
  const absl::StatusOr<Address> to = ParseAddress(arguments.to);
  if (!to.ok()) return to.status();
  arguments.options.host = to->host;
  arguments.options.port = to->port;
  auto tls = MakeContext(arguments.tls);
  if (!tls.ok()) return tls.status();
  if ((*tls == nullptr) == arguments.options.token.empty()) {
    return absl::InvalidArgumentError(
        "it logs on by --token, or over TLS by --certificate and --authorities");
  }
  arguments.options.tls = *std::move(tls);
  arguments.options.tls_name = arguments.tls.name;
  engine::OrderBody& order = arguments.options.order;
  order.account = engine::AccountId{arguments.account};
  order.client_order_id = engine::ClientOrderId{arguments.client_order_id};
  order.product.market = engine::MarketId{arguments.market};
  order.side = arguments.side == "buy" ? engine::Side::kBuy : engine::Side::kSell;
  if (arguments.options.theta > 0 && order.side == engine::Side::kSell) {
    return absl::InvalidArgumentError("--theta: only buyers are asked");
  }
  return RunController(arguments.options, std::cout);
}

}  // namespace

void AddControllerCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("controller", "Log on, submit one order, print its answer and fill");
  const auto arguments = std::make_shared<ControllerArguments>();
  engine::OrderBody& order = arguments->options.order;
  command->add_option("--to", arguments->to, "HOST:PORT of the daemon")->required();
  command->add_option("--token", arguments->options.token, "The credential's secret");
  command->add_option("--certificate", arguments->tls.certificate,
                      "Over TLS instead: PEM, the credential's certificate and its key");
  AddTlsOptions(*command, arguments->tls);
  command->add_option("--account", arguments->account, "Its account")->required();
  command->add_option("--market", arguments->market, "The market")->capture_default_str();
  command
      ->add_option("--start-minute", order.product.start_minute,
                   "Start of delivery, minutes since 1970-01-01T00:00Z; 0: the next product "
                   "whose gate can still be reached")
      ->capture_default_str();
  command->add_option("--client-order-id", arguments->client_order_id, "Its own number")
      ->capture_default_str();
  command->add_option("--side", arguments->side, "buy or sell")
      ->required()
      ->check(CLI::IsMember({"buy", "sell"}));
  command->add_option("--price-ticks", order.limit_ticks, "Limit price")->required();
  command->add_option("--energy-wh", order.energy_wh, "Energy")->required();
  command
      ->add_option("--theta", arguments->options.theta,
                   "Of a buyer: a live bid, whose answer to a called price p is "
                   "(limit - p) / theta MWh, theta in ticks per MWh; 0: the bid is fixed")
      ->capture_default_str();
  command->add_option("--timeout-s", arguments->options.timeout_s, "For everything")
      ->capture_default_str();
  command->callback([arguments, &action] { action = [arguments] { return Control(*arguments); }; });
}

}  // namespace tools
