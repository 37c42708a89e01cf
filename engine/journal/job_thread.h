// A named thread that does one job each time it is asked, and sleeps in between.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace engine {

class JobThread {
 public:
  // `done` is called on the thread after each job, once Finished() can see it.
  // Requires: name has at most 15 characters.
  JobThread(const std::string& name, std::function<void()> job, std::function<void()> done);
  ~JobThread();  // Waits for the job in hand.
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  // Requires: no job in hand.
  void Start();

  // Whether the job in hand is done; true once a job, then none is in hand.
  bool Finished();

 private:
  enum class State : std::uint8_t { kIdle, kStarted, kDone, kStopped };

  void Run();

  std::function<void()> job_;
  std::function<void()> done_;
  std::atomic<State> state_{State::kIdle};
  std::thread thread_;
};

}  // namespace engine
