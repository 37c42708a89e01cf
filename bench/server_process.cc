#include "bench/server_process.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/check.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::string_view kListening = "listening on ";

// The port in "... listening on ADDRESS:PORT\n"; 0 where the text has no such line yet.
std::uint16_t PortIn(const std::string& text) {
  const std::size_t at = text.find(kListening);
  if (at == std::string::npos) return 0;
  const std::size_t end = text.find('\n', at);
  if (end == std::string::npos) return 0;
  const std::size_t colon = text.rfind(':', end);
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + end, port);
  return port;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  CHECK(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments) {
  RaiseDescriptorLimit();
  int ends[2];
  CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  errors_ = ends[0];
  posix_spawn_file_actions_t actions;
  CHECK(::posix_spawn_file_actions_init(&actions) == 0);
  CHECK(::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO) == 0);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  CHECK(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);

  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while ((port_ = PortIn(text)) == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{.fd = errors_, .events = POLLIN, .revents = 0};
    char piece[512];
    const ssize_t read = left.count() > 0 && ::poll(&wait, 1, static_cast<int>(left.count())) > 0
                             ? ::read(errors_, piece, sizeof(piece))
                             : 0;
    if (read <= 0) {
      std::fprintf(stderr, "%s does not listen:\n%s\n", argv[0], text.c_str());
      std::abort();
    }
    text.append(piece, static_cast<std::size_t>(read));
  }
}

ServerProcess::~ServerProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(errors_);
}

std::int64_t ServerProcess::CpuNs() const {
  clockid_t clock{};
  timespec time{};
  CHECK(::clock_getcpuclockid(pid_, &clock) == 0 && ::clock_gettime(clock, &time) == 0);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t ServerProcess::ResidentBytes() const {
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/" + std::to_string(pid_) + "/statm") >> pages >> resident;
  CHECK(resident > 0);
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::string ProgramBeside(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name).string();
}

}  // namespace bench
