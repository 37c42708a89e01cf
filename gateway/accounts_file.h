// The accounts and credentials files: CSV with a header line and no quotes.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/definitions.h"

namespace gateway {

inline constexpr std::string_view kAccountsHeader =
    "account,party,metering_point,market,credential,import_limit_w,export_limit_w";
inline constexpr std::string_view kCredentialsHeader =
    "credential,kind,token_sha256,orders_per_second";
// Where operators have roles.
inline constexpr std::string_view kCredentialsRolesHeader =
    "credential,kind,token_sha256,orders_per_second,roles";
inline constexpr std::string_view kCertificatesHeader = "credential,certificate_sha256";

// Adds what the file defines. Kinds are device, aggregator and operator; token_sha256 is the hash
// of the token's bytes in lower-case hex; 0 as a limit or rate means none of its own. Roles are
// read, operate, administer and surveillance, of an operator those that are in the file and no
// others; where the header is without them it keeps what it has, and a new one has none. Ensures:
// an error that names file, line, column and what is allowed: a wrong header, an id that is
//          zero or comes twice, two accounts that say different limits of one metering point.
// A row for each certificate, up to two a credential; a row without one takes away those that a
// credential has. Credentials that are not named keep theirs.
absl::Status ReadAccounts(std::string_view text, const std::string& file, Definitions& definitions);
absl::Status ReadCredentials(std::string_view text, const std::string& file,
                             Definitions& definitions);
absl::Status ReadCertificateRows(std::string_view text, const std::string& file,
                                 Definitions& definitions);

}  // namespace gateway
