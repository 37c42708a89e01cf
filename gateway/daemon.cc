#include "gateway/daemon.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "gateway/host_port.h"
#include "gateway/listener.h"

namespace gateway {
namespace {

constexpr int kJournalLost = 74;  // As in sysexits.h.

// Nothing is answered any more and what is on disk is good: the next start goes on from there.
void ShardFailed(const absl::Status& status) {
  spdlog::critical("the shard stopped: {}", std::string(status.message()));
  std::_Exit(kJournalLost);
}

// Orders are refused meanwhile, as the shard says; all that was told can still be told again.
void OutboxSpace(const absl::Status& space) {
  if (space.ok()) {
    spdlog::info("the outbox has space again, and has written what it held");
  } else {
    spdlog::warn("the disk is full: the outbox holds in memory what it cannot write: {}",
                 std::string(space.message()));
  }
}

// Trading goes on. What cannot be kept is told again after the next start, which replays it.
void OutboxFailed(const absl::Status& status) {
  spdlog::error("the outbox cannot tell again what somebody has missed: {}",
                std::string(status.message()));
}

}  // namespace

Daemon::Daemon(const Config& config, const engine::ClusterDescription& description)
    : config_(config),
      options_(ToGatewayOptions(config)),
      clock_(ScaleOf(description)),
      limits_({.connections = static_cast<std::uint32_t>(config.max_connections),
               .of_an_address = static_cast<std::uint32_t>(config.max_of_an_address),
               .not_logged_on = static_cast<std::uint32_t>(config.max_not_logged_on),
               .not_logged_on_of_an_address =
                   static_cast<std::uint32_t>(config.max_not_logged_on_of_an_address)},
              static_cast<std::uint64_t>(config.connection_memory_mib) << 20) {
  options_.clock_factor = static_cast<std::uint32_t>(description.clock_factor);
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> Daemon::LoadTls() const {
  if (config_.tls.certificate.empty()) return nullptr;
  auto tls = TlsIdentity::ForDaemon(config_.tls);
  if (!tls.ok()) return tls;
  for (const std::string& warning : (*tls)->warnings()) spdlog::warn("{}", warning);
  return tls;
}

void Daemon::ReadCertificatesAgain() {
  const auto tls = LoadTls();
  if (!tls.ok()) {
    spdlog::error("the certificates stay as they were: {}", std::string(tls.status().message()));
  } else if (*tls == nullptr) {
    spdlog::warn("there is no [tls]: nothing to read again");
  } else {
    for (Gateway& gateway : gateways_) gateway.UseTls(*tls);
    spdlog::info("read the certificates again");
  }
}

absl::Status Daemon::Start(OpenShard recovered, std::unique_ptr<engine::Journal> journal,
                           std::unique_ptr<engine::EventStore> store,
                           const engine::LotteryKey& lottery) {
  const auto tls = LoadTls();
  if (!tls.ok()) return tls.status();
  if (*tls != nullptr && options_.clock_factor != 1) {
    return absl::FailedPreconditionError(
        "a demo clock is not for a market over TLS: make a data directory without --demo-clock");
  }
  auto listener =
      Listener::Open(config_.listen_address, static_cast<std::uint16_t>(config_.listen_port));
  if (!listener.ok()) return listener.status();
  const engine::LinkSizes sizes{.command_bytes = static_cast<std::size_t>(config_.ring_command_kib)
                                                 << 10,
                                .events = static_cast<std::size_t>(config_.ring_events)};
  std::vector<engine::ShardEnd> shard_ends;
  std::vector<engine::MissedOutboxEnd> outbox_ends;
  std::vector<Gateway*> all;
  for (std::int64_t i = 0; i < config_.gateway_threads; ++i) {
    engine::Doorbell& bell = gateway_bells_.emplace_back();
    engine::Link link = engine::MakeLink(sizes, bell, shard_bell_);
    engine::MissedLink missed = engine::MakeMissedLink(bell, outbox_bell_);
    shard_ends.push_back(std::move(link.shard));
    outbox_ends.push_back(std::move(missed.outbox));
    all.push_back(&gateways_.emplace_back(options_, clock_, std::move(link.gateway), limits_,
                                          std::move(missed.gateway)));
    if (*tls != nullptr) gateways_.back().UseTls(*tls);
    absl::Status status = gateways_.back().Listen(*listener);
    if (!status.ok()) return status;
  }
  for (Gateway* gateway : all) gateway->SetPeers(all);
  engine::ShardOptions shard;
  shard.late_ns *= options_.clock_factor;  // A second of real time.
  shard.reconnect_grace_ns *= options_.clock_factor;
  shard.lottery = lottery;
  engine::TapLink tap = engine::MakeTapLink(shard_bell_, outbox_bell_, sizes.events);
  shard_.emplace(std::move(recovered.exchange), std::move(journal), clock_, std::move(shard_ends),
                 shard);
  shard_->Tap(std::move(tap.shard));
  outbox_.emplace(std::move(store), clock_, outbox_bell_, std::move(tap.outbox),
                  std::move(outbox_ends));
  outbox_thread_.emplace(*outbox_, OutboxFailed, OutboxSpace);
  shard_thread_.emplace(*shard_, shard_bell_, "shard-0", ShardFailed);
  for (Gateway* gateway : all) gateway_threads_.emplace_back(*gateway);
  if (config_.listen_insecure && *tls == nullptr) {
    spdlog::warn("insecure: nothing is encrypted, tokens neither");
  }
  spdlog::info("listening on {}{}", HostPort(listener->address(), listener->port()),
               *tls == nullptr ? "" : " over TLS");
  return absl::OkStatus();
}

StatusLog Daemon::MakeStatusLog() const {
  std::vector<const GatewayCounters*> counters;
  for (const Gateway& gateway : gateways_) counters.push_back(&gateway.counters());
  return {clock_, shard_->counters(), std::move(counters)};
}

void Daemon::Stop() {
  for (Gateway& gateway : gateways_) gateway.RequestStop();
  for (GatewayThread& thread : gateway_threads_) thread.EndSessions();
  shard_thread_->Stop();
  outbox_thread_.reset();
  gateway_threads_.clear();
  spdlog::info("stopped seq={}", shard_->exchange().sequence());
}

}  // namespace gateway
