#include "tools/peerwatt/network_replay.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tools/peerwatt/moved_orders.h"
#include "tools/peerwatt/replay_client.h"

namespace tools {
namespace {

using engine::kSecondNs;

constexpr std::int64_t kTurnNs = 1'000'000;       // How often the replay looks what is due.
constexpr std::int64_t kGraceNs = 2 * kSecondNs;  // From a round's end until it is told.
constexpr std::int64_t kFillsNs = kSecondNs / 5;  // From a round until its fills are told.

class NetworkReplay {
 public:
  NetworkReplay(const ReplayPlan& plan, const NetworkReplayOptions& options)
      : plan_(plan), options_(options), desk_(io_), moved_(plan, options) {}

  absl::StatusOr<NetworkReplayResult> Run();

 private:
  absl::Status Connect();
  bool Turn();
  bool SendDue(std::int64_t now_ns);
  std::optional<std::int64_t> DueNs(std::size_t item, std::int64_t now_ns);
  void SendItem(const PlannedItem& item, std::int64_t due_ns);
  bool IsDone(std::int64_t now_ns) const;
  bool IsWaitedFor(const engine::ProductId& product) const;
  std::int64_t GateNs(const engine::ProductId& product) const;
  bool IsInBurst(const engine::ProductId& product, std::int64_t due_ns) const;
  void CountRounds();
  void CountLastFills();
  std::int64_t ServerNs(std::int64_t steady_ns) const {
    return *tally_.server_minus_steady_ns +
           (steady_ns - tally_.server_at_ns) * tally_.result.clock_factor;
  }

  const ReplayPlan& plan_;
  const NetworkReplayOptions& options_;
  boost::asio::io_context io_{1};
  gateway::ClientDesk desk_;
  MovedOrders moved_;
  ReplayTally tally_;
  std::vector<std::unique_ptr<ReplayClient>> clients_;
  std::vector<std::uint32_t> dirty_;  // Clients with something queued in this turn.
  std::size_t next_ = 0;              // Of plan_.items.
  bool begun_ = false;
  std::int64_t begin_ns_ = 0;
  std::int64_t all_sent_ns_ = 0;
  std::uint32_t last_start_minute_ = 0;  // Of the products that orders were sent for.
};

absl::Status NetworkReplay::Connect() {
  for (const PlannedClient& planned : plan_.clients) {
    gateway::ClientOptions client;
    client.host = options_.host;
    client.port = options_.port;
    client.token = planned.token;
    client.window = options_.window;
    ClientTls tls = options_.tls;
    if (!tls.authorities.empty()) {
      const auto number = static_cast<std::uint32_t>(planned.credential);
      tls.certificate = absl::StrCat(options_.certificates, "/", number, ".pem");
    }
    auto context = MakeContext(tls);
    if (!context.ok()) return context.status();
    client.tls = *std::move(context);
    client.tls_name = tls.name;
    clients_.push_back(
        std::make_unique<ReplayClient>(desk_, client, options_, planned.credential, tally_));
    clients_.back()->Start();
  }
  return absl::OkStatus();
}

// When the item is due on the steady clock; none where it has to wait for answers.
std::optional<std::int64_t> NetworkReplay::DueNs(std::size_t item, std::int64_t now_ns) {
  const PlannedItem& planned = plan_.items[item];
  switch (options_.rate) {
    case ReplayRate::kClock:
      return tally_.server_at_ns +
             (planned.time_ns + moved_.shift_ns() - *tally_.server_minus_steady_ns) /
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
  DueOrder due{item.type, moved_.Move(item, ServerNs(due_ns)), due_ns};
  due.in_burst = IsInBurst(due.order.product, due_ns);
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

// When the product's last round has its gate, on the steady clock.
std::int64_t NetworkReplay::GateNs(const engine::ProductId& product) const {
  const auto market = plan_.markets.find(product.market);
  if (market == plan_.markets.end()) return 0;
  const std::int64_t gate_ns =
      engine::GateNs(market->second, product.start_minute, market->second.rounds);
  return tally_.server_at_ns +
         (gate_ns - *tally_.server_minus_steady_ns) / tally_.result.clock_factor;
}

// Whether a gate of the product comes so soon.
bool NetworkReplay::IsInBurst(const engine::ProductId& product, std::int64_t due_ns) const {
  const auto market = plan_.markets.find(product.market);
  if (options_.burst_s == 0 || market == plan_.markets.end()) return false;
  const std::int64_t now_ns = ServerNs(due_ns);
  for (std::uint32_t round = 1; round <= market->second.rounds; ++round) {
    const std::int64_t gate_ns = engine::GateNs(market->second, product.start_minute, round);
    if (now_ns < gate_ns) return gate_ns - now_ns <= options_.burst_s * kSecondNs;
  }
  return false;
}

// A continuous market's may come long before the gate.
void NetworkReplay::CountLastFills() {
  for (const auto& [id, product] : tally_.result.products) {
    const std::int64_t after_ns = product.last_fill_ns - GateNs(id);
    const bool is_known = product.last_fill_ns != 0 && plan_.markets.contains(id.market);
    if (!is_known || after_ns < 0) continue;
    tally_.result.burst.last_fill_ns.Add(static_cast<std::uint64_t>(after_ns));
  }
}

// Whether the product's gate comes within the wait for rounds. On the clock all do.
bool NetworkReplay::IsWaitedFor(const engine::ProductId& product) const {
  return options_.rate == ReplayRate::kClock ||
         GateNs(product) <= tally_.last_answer_ns + options_.wait_s * kSecondNs;
}

bool NetworkReplay::IsDone(std::int64_t now_ns) const {
  if (all_sent_ns_ == 0 || tally_.waiting > 0) return false;
  if (tally_.awaited.empty()) return true;
  // What a client did not hear while it was disconnected it never hears: on the clock every round
  // is over with the delivery of the last product begun, and at a rate soon after its gate.
  if (options_.rate == ReplayRate::kClock) {
    return ServerNs(now_ns) >
           engine::StartNs(last_start_minute_) + kGraceNs * tally_.result.clock_factor;
  }
  return std::none_of(tally_.awaited.begin(), tally_.awaited.end(), [&](const auto& awaited) {
    return IsWaitedFor(awaited.first) && now_ns <= GateNs(awaited.first) + kGraceNs;
  });
}

void NetworkReplay::CountRounds() {
  for (const auto& [product, clients] : tally_.awaited) {
    if (IsWaitedFor(product)) {
      tally_.result.rounds_not_heard += clients;
    } else {
      ++tally_.result.rounds_to_come;
    }
  }
}

// Ensures: false when the replay is over, well or not.
bool NetworkReplay::Turn() {
  const std::int64_t now_ns = SteadyNs();
  if (!begun_ && tally_.ready == clients_.size()) {
    begun_ = true;
    moved_.Begin(ServerNs(now_ns), tally_.result.clock_factor);
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
  if (absl::Status status = Connect(); !status.ok()) return status;
  const std::int64_t wait_s = options_.rate == ReplayRate::kClock ? 0 : options_.wait_s;
  const std::int64_t deadline_ns = SteadyNs() + (options_.timeout_s + wait_s) * kSecondNs;
  while (Turn()) {
    if (acks.is_open()) acks.flush();
    if (!acks) tally_.error = absl::StrCat(options_.acks, ": cannot be written any more");
    if (SteadyNs() > deadline_ns) {
      tally_.error =
          absl::StrCat("the time is up: ", tally_.ready, " of ", clients_.size(),
                       " connections logged on, ", tally_.waiting, " orders unanswered, ",
                       tally_.awaited.size(), " products' rounds not heard");
    }
  }
  for (const std::int64_t until = SteadyNs() + kFillsNs; SteadyNs() < until;) {
    io_.run_one_for(std::chrono::milliseconds(1));
  }
  const std::string error = tally_.error;  // What the clients say of their own end is none.
  for (const auto& client : clients_) client->Stop();
  for (const std::int64_t until = SteadyNs() + kSecondNs / 5; SteadyNs() < until;) {
    io_.run_one_for(std::chrono::milliseconds(1));
  }
  clients_.clear();
  if (acks.is_open()) acks.close();
  if (!error.empty()) return absl::UnavailableError(error);
  if (!options_.acks.empty() && !acks) {
    return absl::UnavailableError(absl::StrCat(options_.acks, ": not all answers were written"));
  }
  tally_.result.elapsed_ns = std::max<std::int64_t>(1, tally_.last_answer_ns - begin_ns_);
  CountRounds();
  if (options_.burst_s > 0) CountLastFills();
  return std::move(tally_.result);
}

struct Percentile {
  const char* name;
  std::uint32_t millionths;
};
constexpr Percentile kPercentiles[] = {{"p50", 500'000},   {"p90", 900'000},    {"p99", 990'000},
                                       {"p99.9", 999'000}, {"p99.99", 999'900}, {"max", 1'000'000}};

// False where no round was waited for: none filled nothing, none was heard. A continuous market
// tells fills before.
bool FillsAreKnown(const NetworkReplayResult& result) {
  return result.rounds_to_come == 0 || result.fills > 0 ||
         std::any_of(result.products.begin(), result.products.end(),
                     [](const auto& product) { return product.second.is_told; });
}

std::string NotWaitedFor(const NetworkReplayResult& result) {
  return absl::StrCat("fills of ", result.rounds_to_come,
                      " products were not waited for: their gates are further off than --wait-s");
}

nlohmann::ordered_json PercentilesUs(const engine::LatencyHistogram& histogram) {
  nlohmann::ordered_json json;
  for (const Percentile& percentile : kPercentiles) {
    json[percentile.name] = static_cast<double>(histogram.Percentile(percentile.millionths)) / 1e3;
  }
  return json;
}

std::string PercentilesText(const engine::LatencyHistogram& histogram) {
  std::ostringstream text;
  for (const Percentile& percentile : kPercentiles) {
    text << percentile.name << " "
         << static_cast<double>(histogram.Percentile(percentile.millionths)) / 1e6 << " ms  ";
  }
  return text.str();
}

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
  if (FillsAreKnown(result)) {
    json["fills"] = result.fills;
  } else {
    json["fills"] = nullptr;
  }
  if (result.prices_called > 0) {
    json["prices_called"] = result.prices_called;
    json["quantities_counted"] = result.quantities_counted;
    json["quantities_refused"] = nlohmann::ordered_json::object();
    for (const auto& [reason, count] : result.quantities_refused) {
      json["quantities_refused"][std::string(engine::ReasonName(reason))] = count;
    }
  }
  json["rounds_to_come"] = result.rounds_to_come;
  if (result.rounds_to_come > 0) json["note"] = NotWaitedFor(result);
  json["reconnects"] = result.reconnects;
  json["rounds_not_heard"] = result.rounds_not_heard;
  json["seconds"] = static_cast<double>(result.elapsed_ns) / 1e9;
  json["orders_per_second"] = PerSecond(result.orders, result.elapsed_ns);
  json["answer_us"] = PercentilesUs(result.answer_ns);
  if (result.burst.answer_ns.count() > 0) {
    nlohmann::ordered_json& burst = json["burst"];
    burst["orders"] = result.burst.orders;
    burst["late"] = result.burst.late;
    burst["answer_us"] = PercentilesUs(result.burst.answer_ns);
    if (result.burst.last_fill_ns.count() > 0) {
      burst["gate_to_last_fill_us"] = PercentilesUs(result.burst.last_fill_ns);
    }
  }
  out << json.dump(2) << "\n";
}

void PrintReplayText(const NetworkReplayResult& result, std::ostream& out) {
  out << absl::StrCat("orders      ", result.orders, " (", result.accepted, " accepted)\n");
  for (const auto& [reason, count] : result.refused) {
    out << absl::StrCat("  refused   ", count, " ", std::string(engine::ReasonName(reason)), "\n");
  }
  out << "fills       ";
  if (FillsAreKnown(result)) out << result.fills << " ";
  if (result.rounds_to_come > 0) out << "(" << NotWaitedFor(result) << ")";
  out << "\n";
  if (result.prices_called > 0) {
    out << absl::StrCat("prices      ", result.prices_called, " called, ",
                        result.quantities_counted, " answers counted\n");
  }
  for (const auto& [reason, count] : result.quantities_refused) {
    out << absl::StrCat("  refused   ", count, " ", std::string(engine::ReasonName(reason)), "\n");
  }
  if (result.reconnects > 0) {
    out << absl::StrCat("reconnects  ", result.reconnects, ", ", result.rounds_not_heard,
                        " rounds not heard\n");
  }
  out << absl::StrCat("rate        ",
                      static_cast<std::uint64_t>(PerSecond(result.orders, result.elapsed_ns)),
                      " orders/s over ", static_cast<double>(result.elapsed_ns) / 1e9, " s\n");
  out << "answer      " << PercentilesText(result.answer_ns) << "\n";
  if (result.burst.answer_ns.count() == 0) return;
  out << absl::StrCat("burst       ", result.burst.orders, " orders shortly before a gate, ",
                      result.burst.late, " late\n");
  out << "  answer    " << PercentilesText(result.burst.answer_ns) << "\n";
  if (result.burst.last_fill_ns.count() == 0) return;
  out << "  last fill " << PercentilesText(result.burst.last_fill_ns) << "\n";
}

}  // namespace tools
