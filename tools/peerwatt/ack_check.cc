#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/disk.h"
#include "engine/runtime/recovery.h"
#include "tools/peerwatt/journal_tools.h"

namespace tools {
namespace {

using AckKey = std::pair<std::uint32_t, std::uint64_t>;  // Credential and client_seq.

// The answers that a journal's commands give, as lines of an acks file.
class Answers {
 public:
  explicit Answers(engine::Exchange& exchange) : exchange_(exchange) {}

  absl::Status Take(engine::CommandView command) {
    // engine::Replay drains what was before the command; what waits then is the command's.
    if (absl::Status status = engine::Replay(command, exchange_); !status.ok()) return status;
    while (exchange_.Draining()) {
      const std::size_t drained = exchange_.Drain(events_);
      for (std::size_t i = 0; i < drained; ++i) Hear(events_[i]);
    }
    return absl::OkStatus();
  }
  const std::map<AckKey, std::string>& lines() const { return lines_; }

 private:
  void Hear(const engine::Event& event) {
    const auto credential = static_cast<std::uint32_t>(event.credential);
    if (event.type == engine::EventType::kAnswer) {
      const engine::AnswerEvent& answer = event.answer;
      last_ = {credential, answer.client_seq};
      lines_[last_] = absl::StrCat(credential, " ", answer.client_seq, " ", answer.command_sequence,
                                   " ", answer.time_ns, " ", static_cast<unsigned>(answer.reason),
                                   " ", answer.items);
    }
    if (event.type == engine::EventType::kRefusals) {
      for (std::uint16_t i = 0; i < event.refusals.count; ++i) {
        const engine::Refusal& refusal = event.refusals.refusals[i];
        absl::StrAppend(&lines_[last_], " ", refusal.index, ":",
                        static_cast<unsigned>(refusal.reason));
      }
    }
  }

  engine::Exchange& exchange_;
  std::vector<engine::Event> events_ = std::vector<engine::Event>(1'024);
  std::map<AckKey, std::string> lines_;
  AckKey last_;
};

}  // namespace

absl::Status CheckAcks(const std::string& data_directory, const std::string& acks,
                       std::ostream& out) {
  const absl::StatusOr<engine::ClusterDescription> cluster =
      engine::DataDirectory::Read(engine::PosixDisk(), data_directory);
  if (!cluster.ok()) return cluster.status();
  engine::ReadOptions options;
  options.folder = engine::FolderOfShard(data_directory, 0);
  options.identity = engine::JournalIdentity{cluster->cluster_id, 0};
  engine::Exchange exchange;
  Answers answers(exchange);
  const absl::StatusOr<engine::JournalTail> tail =
      engine::Recover(engine::PosixDisk(), options,
                      [&](engine::CommandView command) { return answers.Take(command); });
  if (!tail.ok()) return tail.status();
  std::ifstream file(acks);
  if (!file) return absl::NotFoundError(absl::StrCat(acks, ": cannot be read"));
  std::string line;
  std::uint64_t checked = 0;
  while (std::getline(file, line)) {
    if (file.eof()) {  // The replay that wrote it was killed.
      out << "the last line is cut, and left out\n";
      break;
    }
    std::istringstream words(line);
    AckKey key;
    std::string sequence;
    if (!(words >> key.first >> key.second >> sequence)) {
      return absl::InvalidArgumentError(absl::StrCat(acks, ":", checked + 1, ": not an answer"));
    }
    ++checked;
    const auto found = answers.lines().find(key);
    if (found == answers.lines().end() || found->second != line) {
      return absl::DataLossError(absl::StrCat(
          acks, ":", checked, ": acknowledged, but the journal has ",
          found == answers.lines().end() ? "no such command" : "'" + found->second + "'", " for '",
          line, "'"));
    }
  }
  if (checked == 0) return absl::InvalidArgumentError(absl::StrCat(acks, ": no answer in it"));
  out << checked << " answers are in the journal as they were given\n";
  return absl::OkStatus();
}

}  // namespace tools
