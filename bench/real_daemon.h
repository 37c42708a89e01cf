// A real peerwattd with its files, in the current folder, gone when it is over.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bench/server_process.h"
#include "gateway/tls_identity.h"

namespace bench {

struct DaemonFiles {
  std::string markets;      // TOML.
  std::string accounts;     // CSV lines behind the header.
  std::string credentials;  // The same.
  std::string init_options;
  gateway::TlsFiles tls{};     // Of the daemon; without certificate it is not over TLS.
  std::string certificates{};  // CSV lines behind the header.
};

class RealDaemon {
 public:
  explicit RealDaemon(const DaemonFiles& files);
  ~RealDaemon();
  RealDaemon(const RealDaemon&) = delete;
  RealDaemon& operator=(const RealDaemon&) = delete;

  const ServerProcess& process() const { return *process_; }

 private:
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  const std::filesystem::path folder_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace bench
