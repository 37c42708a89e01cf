#include "engine/outbox/event_copy.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/journal/numbered_files.h"
#include "engine/outbox/outbox_file.h"

namespace engine {
namespace {

class EventCopy {
 public:
  EventCopy(Disk& disk, const std::string& from, const JournalIdentity& identity, std::uint64_t end,
            const std::string& to)
      : disk_(disk), from_(from), identity_(identity), end_(end), to_(to) {}

  absl::StatusOr<CopiedEvents> Run();

 private:
  absl::Status TakeFile(std::uint64_t number, bool is_last);
  absl::Status CopyBefore(std::uint64_t end, bool is_last);
  absl::Status Forget();
  void AppendBlock(EventBlockHeader header, std::span<const std::byte> block,
                   std::vector<std::byte>& bytes);
  std::uint64_t CoveredHere(std::uint64_t covered) const {
    return has_hole_ ? 0 : std::min(covered, end_);
  }
  void Note(std::uint64_t covered, std::uint64_t newest);
  absl::Status Make(std::uint64_t number, std::span<const std::byte> bytes);
  static std::string PathIn(const std::string& folder, std::uint64_t number) {
    return absl::StrCat(folder, "/", OutboxFileName(number));
  }
  std::uint64_t SeedOf(const OutboxFile& file) const { return BlockSeed(identity_, file.number); }

  Disk& disk_;
  const std::string& from_;
  const JournalIdentity& identity_;
  const std::uint64_t end_;
  const std::string& to_;
  std::optional<OutboxFile> before_;  // Read, and not copied: the next one says how long it is.
  bool all_gone_ = true;              // All that were listed: then there are others.
  bool has_hole_ = false;             // Damage lies before: a start has to make again what it can.
  std::vector<std::uint64_t> made_;
  std::uint64_t made_bytes_ = 0;  // Of the last one made.
  CopiedEvents copied_;
};

absl::StatusOr<CopiedEvents> EventCopy::Run() {
  constexpr int kTries = 1'000;
  for (int tries = 0; all_gone_; ++tries) {
    if (tries == kTries) {
      return absl::AbortedError(
          absl::StrCat(from_, ": the outbox's files go sooner than they can be copied: try again"));
    }
    const auto numbers = ListNumbers(disk_, from_, OutboxFileNumber);
    if (!numbers.ok()) return numbers.status();
    all_gone_ = false;
    for (const std::uint64_t number : *numbers) {
      absl::Status status = TakeFile(number, number == numbers->back());
      if (!status.ok()) return status;
    }
  }
  if (before_) {
    absl::Status status = CopyBefore(before_->bytes.size(), /*is_last=*/true);
    if (!status.ok()) return status;
  }
  if (absl::Status status = disk_.SyncFolder(to_); !status.ok()) return status;
  return std::move(copied_);
}

absl::Status EventCopy::TakeFile(std::uint64_t number, bool is_last) {
  absl::StatusOr<OutboxFile> found = ReadOutboxFile(disk_, from_, number, identity_);
  if (absl::IsNotFound(found.status())) {  // It was too old, and so were those before it.
    all_gone_ = is_last;
    before_.reset();
    return Forget();
  }
  if (!found.ok()) return found.status();
  if (!found->has_header && is_last) {  // One that is begun this moment, where it is empty.
    if (!found->bytes.empty()) copied_.damaged.push_back(PathIn(from_, number));
    return absl::OkStatus();
  }
  if (before_) {
    const bool follows = found->has_header && number == before_->number + 1;
    absl::Status status = CopyBefore(follows ? found->header.previous : 0, /*is_last=*/false);
    if (!status.ok()) return status;
  }
  before_ = *std::move(found);
  return absl::OkStatus();
}

// `end`: how long it is, as the next one says; 0: something is missing between the two.
absl::Status EventCopy::CopyBefore(std::uint64_t end, bool is_last) {
  const OutboxFile& file = *before_;
  OutboxFileHeader header = file.header;
  header.covered = CoveredHere(header.covered);
  if (made_bytes_ > 0) header.previous = made_bytes_;
  SealFileHeader(header);
  std::vector<std::byte> bytes(sizeof(header));
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::uint64_t whole_to = 0;
  if (file.has_header) {
    Note(header.covered, file.header.covered);
    whole_to = ForEachBlock(file, end, SeedOf(file),
                            [&](const EventBlockHeader& block_header, auto block) {
                              AppendBlock(block_header, block, bytes);
                            });
  }
  if (!is_last && whole_to != end) {
    copied_.damaged.push_back(PathIn(from_, file.number));
    copied_.covered = 0;
    has_hole_ = true;
    return Forget();
  }
  return Make(file.number, bytes);
}

// As it is, where all of it is of commands that are copied.
void EventCopy::AppendBlock(EventBlockHeader header, std::span<const std::byte> block,
                            std::vector<std::byte>& bytes) {
  std::vector<std::byte> kept(sizeof(header));
  std::uint64_t newest = header.covered;
  ForEachEvent(block, [&](const Event& event) {
    newest = std::max(newest, event.sequence);
    if (event.sequence <= end_) AppendRecord(event, kept);
  });
  header.covered = CoveredHere(header.covered);
  const bool says_something = kept.size() > sizeof(header) || header.covered > copied_.covered;
  Note(header.covered, newest);
  if (!says_something) return;
  header.offset = bytes.size();
  SealBlock(SeedOf(*before_), header, kept);
  bytes.insert(bytes.end(), kept.begin(), kept.end());
}

void EventCopy::Note(std::uint64_t covered, std::uint64_t newest) {
  copied_.covered = std::max(copied_.covered, covered);
  copied_.newest = std::max(copied_.newest, newest);
}

absl::Status EventCopy::Make(std::uint64_t number, std::span<const std::byte> bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = disk_.Create(PathIn(to_, number));
  absl::Status status = file.status();
  if (status.ok()) status = (*file)->WriteAt(bytes, 0);
  if (status.ok()) status = (*file)->Sync();
  if (!status.ok()) return status;
  made_.push_back(number);
  made_bytes_ = bytes.size();
  return status;
}

// What was copied lies before a hole.
absl::Status EventCopy::Forget() {
  for (const std::uint64_t number : made_) {
    if (absl::Status status = disk_.Remove(PathIn(to_, number)); !status.ok()) return status;
  }
  made_.clear();
  made_bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CopiedEvents> CopyEvents(Disk& disk, const std::string& from,
                                        const JournalIdentity& identity, std::uint64_t end,
                                        const std::string& to) {
  return EventCopy(disk, from, identity, end, to).Run();
}

}  // namespace engine
