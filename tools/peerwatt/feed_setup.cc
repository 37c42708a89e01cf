#include "tools/peerwatt/feed_setup.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/command.h"
#include "gateway/market_file.h"
#include "gateway/token.h"
#include "tools/feed/feed_file.h"
#include "tools/peerwatt/journal_text.h"

namespace tools {
namespace {

using engine::CommandType;

// What a feed defines, the last of each id.
struct Definitions {
  std::map<engine::MarketId, engine::MarketDefinition> markets;
  std::map<engine::MeteringPointId, engine::MeteringPointBody> points;
  std::map<engine::AccountId, engine::AccountBody> accounts;
  std::map<engine::CredentialId, engine::CredentialBody> credentials;
};

template <typename Body, typename Map>
void Keep(engine::CommandView command, Map& map) {
  for (const Body& body : command.Items<Body>()) map[body.id] = body;
}

absl::StatusOr<Definitions> ReadDefinitions(const std::string& path) {
  absl::StatusOr<FeedReader> feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  Definitions found;
  for (;;) {
    const absl::StatusOr<std::optional<engine::CommandView>> record = feed->Next();
    if (!record.ok()) return record.status();
    if (!*record) return found;
    switch ((*record)->header().type) {
      case CommandType::kDefineMarket:
        Keep<engine::MarketDefinition>(**record, found.markets);
        break;
      case CommandType::kDefineMeteringPoint:
        Keep<engine::MeteringPointBody>(**record, found.points);
        break;
      case CommandType::kDefineAccount:
        Keep<engine::AccountBody>(**record, found.accounts);
        break;
      case CommandType::kDefineCredential:
        Keep<engine::CredentialBody>(**record, found.credentials);
        break;
      default:
        break;
    }
  }
}

// Deals the accounts out to aggregators 1 to `credentials`.
void DealOut(Definitions& definitions, std::uint32_t credentials) {
  definitions.credentials.clear();
  for (std::uint32_t id = 1; id <= credentials; ++id) {
    engine::CredentialBody body;
    body.id = engine::CredentialId{id};
    body.kind = engine::CredentialKind::kAggregator;
    definitions.credentials[body.id] = body;
  }
  std::uint32_t next = 0;
  for (auto& [id, account] : definitions.accounts) {
    account.credential = engine::CredentialId{1 + next++ % credentials};
  }
}

absl::Status WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t wrote = write(file, text.data() + written, text.size() - written);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      close(file);
      return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
    }
    written += static_cast<std::size_t>(wrote);
  }
  if (close(file) != 0) return absl::UnavailableError(absl::StrCat(path, ": not written"));
  return absl::OkStatus();
}

std::string AccountsCsv(const Definitions& definitions) {
  std::string text =
      "account,party,metering_point,market,credential,import_limit_w,export_limit_w\n";
  for (const auto& [id, account] : definitions.accounts) {
    const auto point = definitions.points.find(account.metering_point);
    const engine::MeteringPointBody limits =
        point == definitions.points.end() ? engine::MeteringPointBody() : point->second;
    absl::StrAppend(&text, static_cast<std::uint64_t>(id), ",",
                    static_cast<std::uint64_t>(account.party), ",",
                    static_cast<std::uint64_t>(account.metering_point), ",",
                    static_cast<std::uint32_t>(account.market), ",",
                    static_cast<std::uint32_t>(account.credential), ",", limits.import_limit_w, ",",
                    limits.export_limit_w, "\n");
  }
  return text;
}

// Files of the credentials, with hashes and with secrets.
struct CredentialFiles {
  std::string hashes = "credential,kind,token_sha256,orders_per_second\n";
  std::string secrets = "credential,token\n";
};

absl::StatusOr<CredentialFiles> MakeCredentials(const Definitions& definitions,
                                                std::uint64_t seed) {
  CredentialFiles files;
  for (const auto& [id, credential] : definitions.credentials) {
    const auto number = static_cast<std::uint32_t>(id);
    std::optional<std::string> token;
    if (seed == 0) {
      token = gateway::MakeToken();
    } else {
      token = "pw_test_" +
              gateway::HexOfHash(gateway::HashToken(absl::StrCat("seed ", seed, " ", number)));
    }
    if (!token) return absl::UnavailableError("the operating system gave no random bytes");
    absl::StrAppend(&files.hashes, number, ",", KindName(credential.kind), ",",
                    gateway::HexOfHash(gateway::HashToken(*token)), ",",
                    credential.orders_per_second, "\n");
    absl::StrAppend(&files.secrets, number, ",", *token, "\n");
  }
  return files;
}

}  // namespace

absl::Status WriteFeedSetup(const FeedSetupOptions& options) {
  absl::StatusOr<Definitions> definitions = ReadDefinitions(options.feed);
  if (!definitions.ok()) return definitions.status();
  if (options.credentials > 0) DealOut(*definitions, options.credentials);
  const absl::StatusOr<CredentialFiles> credentials = MakeCredentials(*definitions, options.seed);
  if (!credentials.ok()) return credentials.status();
  if (mkdir(options.folder.c_str(), 0777) != 0 && errno != EEXIST) {
    return absl::UnavailableError(absl::StrCat(options.folder, ": ", std::strerror(errno)));
  }
  std::string markets;
  for (const auto& [id, market] : definitions->markets) markets += gateway::MarketText(market);
  const std::string folder = options.folder + "/";
  absl::Status status = WriteFile(folder + "markets.toml", markets, 0666);
  status.Update(WriteFile(folder + "accounts.csv", AccountsCsv(*definitions), 0666));
  status.Update(WriteFile(folder + "credentials.csv", credentials->hashes, 0666));
  status.Update(WriteFile(folder + "tokens.csv", credentials->secrets, 0600));
  return status;
}

}  // namespace tools
