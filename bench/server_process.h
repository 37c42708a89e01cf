// A server in a process of its own, with its CPU time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bench {

// Ends with SIGTERM; the owner waits for it.
class ServerProcess {
 public:
  // Raises this program's descriptor limit as far as it goes, for thousands of connections; the
  // server inherits it. Starts `arguments[0]` and waits until a line of its standard error ends
  // with "listening on ADDRESS:PORT". A server that does not say so in time stops this program.
  explicit ServerProcess(const std::vector<std::string>& arguments);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  std::int64_t CpuNs() const;  // Of all its threads, user and system.
  std::int64_t ResidentBytes() const;

 private:
  pid_t pid_ = -1;
  int errors_ = -1;
  std::uint16_t port_ = 0;
};

// A program built beside this one.
std::string ProgramBeside(const std::string& name);

}  // namespace bench
