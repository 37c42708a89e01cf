#include "tools/peerwatt/client_tls.h"

namespace tools {

absl::StatusOr<std::shared_ptr<const gateway::TlsIdentity>> MakeContext(const ClientTls& tls) {
  if (tls.authorities.empty() && (!tls.certificate.empty() || !tls.name.empty())) {
    return absl::InvalidArgumentError("a connection over TLS needs --authorities");
  }
  if (tls.authorities.empty()) return nullptr;
  return gateway::TlsIdentity::ForClient(
      {.certificate = tls.certificate, .key = tls.certificate, .authorities = tls.authorities});
}

}  // namespace tools
