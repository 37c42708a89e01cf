#include "tools/peerwatt/network_replay.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <numeric>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tools/peerwatt/replay_client.h"

namespace tools {
namespace {

using engine::kSecondNs;

constexpr std::int64_t kTurnNs = 1'000'000;  // How often the replay looks what is due.
constexpr std::int64_t kQuietAfterNs = 2 * kSecondNs;

// Moves a feed's products to those that are open when its orders are sent.
class ProductMap {
 public:
  ProductMap(const ReplayPlan& plan, ReplayRate rate) : plan_(plan), rate_(rate) {
    for (const PlannedItem& item : plan.items) {
      starts_.push_back(item.order.product.start_minute);
    }
    std::sort(starts_.begin(), starts_.end());
    starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
  }

  // On the clock: all times move by one number of whole slots, so that the first order is still to
  // come. A feed that begins after `now_ns` stays where it is.
  void Begin(std::int64_t now_ns) {
    if (rate_ != ReplayRate::kClock || plan_.items.empty()) return;
    std::int64_t step_ns = 60 * kSecondNs;
    for (const auto& [id, market] : plan_.markets) {
      step_ns = std::lcm(step_ns, std::int64_t{market.slot_minutes} * 60 * kSecondNs);
    }
    const std::int64_t behind_ns = now_ns - plan_.items.front().time_ns;
    if (behind_ns > 0) shift_ns_ = (behind_ns / step_ns + 1) * step_ns;
  }

  std::int64_t shift_ns() const { return shift_ns_; }

  // The product of the order, sent at `now_ns`.
  engine::ProductId Of(engine::ProductId product, std::int64_t now_ns) const {
    if (rate_ == ReplayRate::kClock) {
      product.start_minute += static_cast<std::uint32_t>(shift_ns_ / (60 * kSecondNs));
      return product;
    }
    const auto market = plan_.markets.find(product.market);
    if (market == plan_.markets.end()) return product;
    const engine::MarketDefinition& definition = market->second;
    const std::int64_t slot_ns = std::int64_t{definition.slot_minutes} * 60 * kSecondNs;
    const std::int64_t gate_ns = std::int64_t{definition.gate_before_s} * kSecondNs;
    // From the first whose gate is two seconds off, to the last that is open.
    const std::int64_t first = (now_ns + gate_ns + 2 * kSecondNs) / slot_ns + 1;
    const std::int64_t last =
        (now_ns + std::int64_t{definition.open_before_s} * kSecondNs - 2 * kSecondNs) / slot_ns;
    const std::int64_t open = std::max<std::int64_t>(1, last - first + 1);
    const auto place = std::lower_bound(starts_.begin(), starts_.end(), product.start_minute);
    const std::int64_t slot = first + (place - starts_.begin()) % open;
    product.start_minute = static_cast<std::uint32_t>(slot * definition.slot_minutes);
    return product;
  }

 private:
  const ReplayPlan& plan_;
  const ReplayRate rate_;
  std::vector<std::uint32_t> starts_;
  std::int64_t shift_ns_ = 0;
};

class NetworkReplay {
 public:
  NetworkReplay(const ReplayPlan& plan, const NetworkReplayOptions& options)
      : plan_(plan), options_(options), desk_(io_), products_(plan, options.rate) {}

  absl::StatusOr<NetworkReplayResult> Run();

 private:
  void Connect();
  bool Turn();
  bool SendDue(std::int64_t now_ns);
  std::optional<std::int64_t> DueNs(std::size_t item, std::int64_t now_ns);
  void SendItem(const PlannedItem& item, std::int64_t due_ns);
  bool IsDone(std::int64_t now_ns) const;
  std::int64_t ServerNs(std::int64_t steady_ns) const {
    return *tally_.server_minus_steady_ns +
           (steady_ns - tally_.server_at_ns) * tally_.result.clock_factor;
  }

  const ReplayPlan& plan_;
  const NetworkReplayOptions& options_;
  boost::asio::io_context io_{1};
  gateway::ClientDesk desk_;
  ProductMap products_;
  ReplayTally tally_;
  std::vector<std::unique_ptr<ReplayClient>> clients_;
  std::vector<std::uint32_t> dirty_;  // Clients with something queued in this turn.
  std::size_t next_ = 0;              // Of plan_.items.
  bool begun_ = false;
  std::int64_t begin_ns_ = 0;
  std::int64_t all_sent_ns_ = 0;
  std::uint32_t last_start_minute_ = 0;  // Of the products that orders were sent for.
};

void NetworkReplay::Connect() {
  for (const PlannedClient& planned : plan_.clients) {
    gateway::ClientOptions client;
    client.host = options_.host;
    client.port = options_.port;
    client.token = planned.token;
    client.window = options_.window;
    clients_.push_back(
        std::make_unique<ReplayClient>(desk_, client, options_.batch, planned.credential, tally_));
    clients_.back()->Start();
  }
}

// When the item is due on the steady clock; none where it has to wait for answers.
std::optional<std::int64_t> NetworkReplay::DueNs(std::size_t item, std::int64_t now_ns) {
  const PlannedItem& planned = plan_.items[item];
  switch (options_.rate) {
    case ReplayRate::kClock:
      return tally_.server_at_ns +
             (planned.time_ns + products_.shift_ns() - *tally_.server_minus_steady_ns) /
                 tally_.result.clock_factor;
    case ReplayRate::kFixed:
      return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(item) * 1e9 /
                                                   options_.orders_per_second);
    case ReplayRate::kMax:
      if (tally_.waiting >= options_.batch * options_.window * clients_.size()) {
        return std::nullopt;
      }
      return now_ns;
  }
  return now_ns;
}

void NetworkReplay::SendItem(const PlannedItem& item, std::int64_t due_ns) {
  DueOrder due{item.type, item.order, due_ns};
  due.order.product = products_.Of(item.order.product, ServerNs(due_ns));
  // Ids of a replay that goes before a rate are its own: products of the feed may fall together.
  if (options_.rate != ReplayRate::kClock && item.type == engine::CommandType::kSubmitOrders) {
    due.order.client_order_id =
        engine::ClientOrderId{static_cast<std::uint64_t>(ServerNs(begin_ns_)) + next_};
  }
  last_start_minute_ = std::max(last_start_minute_, due.order.product.start_minute);
  clients_[item.client]->Send(due);
  dirty_.push_back(item.client);
}

bool NetworkReplay::SendDue(std::int64_t now_ns) {
  const std::size_t before = next_;
  while (next_ < plan_.items.size() && next_ - before < 65'536) {
    const std::optional<std::int64_t> due_ns = DueNs(next_, now_ns);
    if (!due_ns || *due_ns > now_ns) break;
    SendItem(plan_.items[next_], *due_ns);
    ++next_;
  }
  for (const std::uint32_t client : dirty_) clients_[client]->Flush();
  dirty_.clear();
  if (next_ == plan_.items.size() && all_sent_ns_ == 0) all_sent_ns_ = now_ns;
  return next_ > before;
}

bool NetworkReplay::IsDone(std::int64_t now_ns) const {
  if (all_sent_ns_ == 0 || tally_.waiting > 0) return false;
  if (options_.rate == ReplayRate::kClock) {
    // What a client did not hear while it was disconnected it never hears: with the delivery of the
    // last product begun, every round is over.
    const std::int64_t over_ns =
        engine::StartNs(last_start_minute_) + 2 * kSecondNs * tally_.result.clock_factor;
    return tally_.rounds_due == 0 || ServerNs(now_ns) > over_ns;
  }
  return now_ns - std::max(all_sent_ns_, tally_.last_answer_ns) > 0;
}

// Ensures: false when the replay is over, well or not.
bool NetworkReplay::Turn() {
  const std::int64_t now_ns = SteadyNs();
  if (!begun_ && tally_.ready == clients_.size()) {
    begun_ = true;
    products_.Begin(ServerNs(now_ns));
    begin_ns_ = now_ns;
  }
  if (begun_ && SendDue(now_ns)) {
    io_.poll();
  } else {
    io_.run_one_for(std::chrono::nanoseconds(kTurnNs));
    io_.poll();
  }
  return tally_.error.empty() && !(begun_ && IsDone(SteadyNs()));
}

absl::StatusOr<NetworkReplayResult> NetworkReplay::Run() {
  std::ofstream acks;
  if (!options_.acks.empty()) {
    acks.open(options_.acks, std::ios::trunc);
    if (!acks) return absl::UnavailableError(absl::StrCat(options_.acks, ": cannot be written"));
    tally_.acks = &acks;
  }
  Connect();
  const std::int64_t deadline_ns = SteadyNs() + options_.timeout_s * kSecondNs;
  while (Turn()) {
    if (SteadyNs() > deadline_ns) {
      tally_.error = absl::StrCat("the time is up: ", tally_.ready, " of ", clients_.size(),
                                  " connections logged on, ", tally_.waiting,
                                  " orders unanswered, ", tally_.rounds_due, " rounds not heard");
    }
  }
  if (options_.rate == ReplayRate::kClock) {  // Fills follow their round in the same breath.
    const std::int64_t until_ns = SteadyNs() + kQuietAfterNs / 10;
    while (SteadyNs() < until_ns) io_.run_one_for(std::chrono::milliseconds(1));
  }
  const std::string error = tally_.error;  // What the clients say of their own end is none.
  for (const auto& client : clients_) client->Stop();
  for (const std::int64_t until = SteadyNs() + kSecondNs / 5; SteadyNs() < until;) {
    io_.run_one_for(std::chrono::milliseconds(1));
  }
  clients_.clear();
  acks.flush();
  if (!error.empty()) return absl::UnavailableError(error);
  tally_.result.elapsed_ns = std::max<std::int64_t>(1, tally_.last_answer_ns - begin_ns_);
  tally_.result.left_out = plan_.left_out;
  tally_.result.rounds_not_heard = tally_.rounds_due;
  return std::move(tally_.result);
}

struct Percentile {
  const char* name;
  std::uint32_t millionths;
};
constexpr Percentile kPercentiles[] = {{"p50", 500'000},   {"p90", 900'000},    {"p99", 990'000},
                                       {"p99.9", 999'000}, {"p99.99", 999'900}, {"max", 1'000'000}};

double PerSecond(std::uint64_t count, std::int64_t elapsed_ns) {
  return static_cast<double>(count) * 1e9 / static_cast<double>(elapsed_ns);
}

}  // namespace

absl::StatusOr<NetworkReplayResult> ReplayOverNetwork(const ReplayPlan& plan,
                                                      const NetworkReplayOptions& options) {
  return NetworkReplay(plan, options).Run();
}

void PrintReplayJson(const NetworkReplayResult& result, std::ostream& out) {
  nlohmann::ordered_json json;
  json["orders"] = result.orders;
  json["accepted"] = result.accepted;
  json["refused"] = nlohmann::ordered_json::object();
  for (const auto& [reason, count] : result.refused) {
    json["refused"][std::string(engine::ReasonName(reason))] = count;
  }
  json["fills"] = result.fills;
  json["left_out"] = result.left_out;
  json["reconnects"] = result.reconnects;
  json["rounds_not_heard"] = result.rounds_not_heard;
  json["seconds"] = static_cast<double>(result.elapsed_ns) / 1e9;
  json["orders_per_second"] = PerSecond(result.orders, result.elapsed_ns);
  for (const Percentile& percentile : kPercentiles) {
    json["answer_us"][percentile.name] =
        static_cast<double>(result.answer_ns.Percentile(percentile.millionths)) / 1e3;
  }
  out << json.dump(2) << "\n";
}

void PrintReplayText(const NetworkReplayResult& result, std::ostream& out) {
  out << absl::StrCat("orders      ", result.orders, " (", result.accepted, " accepted)\n");
  for (const auto& [reason, count] : result.refused) {
    out << absl::StrCat("  refused   ", count, " ", std::string(engine::ReasonName(reason)), "\n");
  }
  out << absl::StrCat("fills       ", result.fills, "\n");
  if (result.reconnects > 0) {
    out << absl::StrCat("reconnects  ", result.reconnects, ", ", result.rounds_not_heard,
                        " rounds not heard\n");
  }
  out << absl::StrCat("rate        ",
                      static_cast<std::uint64_t>(PerSecond(result.orders, result.elapsed_ns)),
                      " orders/s over ", static_cast<double>(result.elapsed_ns) / 1e9, " s\n");
  out << "answer      ";
  for (const Percentile& percentile : kPercentiles) {
    out << percentile.name << " "
        << static_cast<double>(result.answer_ns.Percentile(percentile.millionths)) / 1e6 << " ms  ";
  }
  out << "\n";
}

}  // namespace tools
