#include "engine/runtime/outbox_thread.h"

#include <utility>

#include <pthread.h>

namespace engine {
namespace {

// What somebody should have rung for is looked at again after so long: a gateway does not ring when
// it has made room.
constexpr std::int64_t kLookForRoomNs = 20'000'000;

}  // namespace

OutboxThread::OutboxThread(Outbox& outbox, Told failed, Told space)
    : outbox_(outbox),
      failed_(std::move(failed)),
      space_(std::move(space)),
      thread_([this] { Run(); }) {}

OutboxThread::~OutboxThread() {
  stop_.store(true, std::memory_order_release);
  outbox_.doorbell().Ring();
  thread_.join();
}

void OutboxThread::Report(const absl::Status& status) {
  if (status.ok() || status == reported_) return;
  reported_ = status;
  failed_(status);
}

void OutboxThread::ReportSpace() {
  const absl::Status& space = outbox_.store().space();
  if (outbox_.gone_bad() || space.ok() == has_space_) return;
  has_space_ = space.ok();
  space_(space);
}

void OutboxThread::Run() {
  ::pthread_setname_np(::pthread_self(), "outbox-0");
  for (;;) {
    const bool stops = stop_.load(std::memory_order_acquire);
    const bool did = outbox_.Turn();
    Report(outbox_.gone_bad() ? outbox_.store().status() : outbox_.read_status());
    ReportSpace();
    if (did) continue;
    if (stops) break;
    Doorbell& doorbell = outbox_.doorbell();
    doorbell.PrepareToSleep();
    if (!outbox_.Turn() && !stop_.load(std::memory_order_acquire)) {
      doorbell.Sleep(outbox_.waits() ? kLookForRoomNs : -1);
    }
    doorbell.WakeUp();
  }
  outbox_.Settle();
}

}  // namespace engine
