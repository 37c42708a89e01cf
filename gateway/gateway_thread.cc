#include "gateway/gateway_thread.h"

#include <pthread.h>

namespace gateway {

GatewayThread::GatewayThread(Gateway& gateway) : gateway_(gateway), thread_([this] { Run(); }) {}

GatewayThread::~GatewayThread() {
  EndSessions();
  finish_.store(true);
  gateway_.RequestStop();  // Wakes it once more.
  thread_.join();
}

void GatewayThread::EndSessions() {
  gateway_.RequestStop();
  ended_.wait(false);
}

void GatewayThread::Run() {
  pthread_setname_np(pthread_self(), "gateway");
  while (!finish_.load()) {
    const bool worked = gateway_.Turn();
    if (gateway_.stopped() && !ended_.exchange(true)) ended_.notify_all();
    if (!worked && !finish_.load()) gateway_.Wait();
  }
}

}  // namespace gateway
