// How the tools that connect to a daemon do so over TLS.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/tls_identity.h"

namespace tools {

struct ClientTls {
  std::string authorities{};  // PEM files. Empty: no TLS.
  std::string certificate{};  // With its key in the same file.
  std::string name{};         // Of the daemon, where that is not the host.
};

// --authorities and --name of a CLI::App; what it shows of its own is the command's to say.
template <typename Command>
void AddTlsOptions(Command& command, ClientTls& tls) {
  command.add_option("--authorities", tls.authorities,
                     "Connect over TLS: PEM, who issued the daemon's certificate");
  command.add_option("--name", tls.name, "The daemon's name in its certificate [its host]");
}

// Ensures: null without --authorities; an error where only a part of it is there.
absl::StatusOr<std::shared_ptr<const gateway::TlsIdentity>> MakeContext(const ClientTls& tls);

}  // namespace tools
