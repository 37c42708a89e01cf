#include "engine/outbox/event_store.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::int64_t kTryAgainNs = 1'000'000'000;

std::uint32_t Low(std::uint64_t number) { return static_cast<std::uint32_t>(number); }

// What could not be synced may never be on disk, whatever a second try says: for no reason is it
// done again, a full disk neither.
absl::Status Final(const absl::Status& synced) {
  return absl::IsResourceExhausted(synced) ? absl::UnavailableError(synced.message()) : synced;
}

}  // namespace

EventStore::EventStore(Disk& disk, EventStoreOptions options)
    : disk_(disk), options_(std::move(options)), gathered_(sizeof(EventBlockHeader)) {}

absl::StatusOr<std::unique_ptr<EventStore>> EventStore::Open(Disk& disk,
                                                             EventStoreOptions options) {
  CHECK(options.file_bytes >= kEventBlockBytesMax);
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<EventStore> store(new EventStore(disk, std::move(options)));
  if (absl::Status status = store->ReadFiles(); !status.ok()) return status;
  return store;
}

std::string EventStore::PathOf(std::uint64_t file) const {
  return absl::StrCat(options_.folder, "/", OutboxFileName(file));
}

std::uint64_t EventStore::BlockOf(Mark mark) const {
  return end_block() - Low(end_block() - mark.block);
}

// Writing.

void EventStore::Add(const Event& event, std::int64_t now_ns) {
  if (!status_.ok()) return;
  const auto stream = streams_.find(event.credential);
  if (stream != streams_.end() && event.event_number < stream->second.next) return;
  if (gathered_.size() + kEventRecordBytesMax > kEventBlockBytesMax) Write(now_ns);
  AppendRecord(event, gathered_);
  Index(event, end_block());
}

void EventStore::Expect(CredentialId credential, std::uint64_t next) {
  Stream& stream = streams_[credential];
  if (stream.next >= next) return;
  stream.marks.clear();
  stream.first = stream.next = next;
}

void EventStore::Index(const Event& event, std::uint64_t block) {
  Stream& stream = streams_[event.credential];
  newest_sequence_ = std::max(newest_sequence_, event.sequence);
  if (event.event_number < stream.next) return;
  if (event.event_number != stream.next) {  // The first, or behind a hole: what was before is gone.
    stream.marks.clear();
    stream.first = event.event_number;
  }
  if (stream.marks.empty() || BlockOf(stream.marks.back()) != block) {
    stream.marks.push_back({.block = Low(block), .number = Low(event.event_number)});
  }
  stream.next = event.event_number + 1;
}

void EventStore::Write(std::int64_t now_ns) {
  if (gathered_.size() > sizeof(EventBlockHeader)) {
    WriteBlock(now_ns);
  } else if (status_.ok() && !space_.ok() && IsTimeToTry(now_ns)) {
    status_ = WriteOrHold(now_ns);
  }
  RemoveWhatIsTooMuch(now_ns);
}

void EventStore::WriteBlock(std::int64_t now_ns) {
  if (status_.ok()) {
    held_.Add(gathered_, covered_, now_ns);
    blocks_.push_back(
        {.file = 0, .offset = 0, .bytes = static_cast<std::uint32_t>(gathered_.size())});
    const bool is_too_much = held_.bytes() > options_.held_bytes_max;
    if (space_.ok() || is_too_much || IsTimeToTry(now_ns)) status_ = WriteOrHold(now_ns);
  }
  gathered_.resize(sizeof(EventBlockHeader));
}

// Exchange time may go back.
bool EventStore::IsTimeToTry(std::int64_t now_ns) const {
  return now_ns < tried_ns_ || now_ns >= tried_ns_ + kTryAgainNs;
}

// Ensures: an error where nothing more can be kept. Where there is no space it holds so much as it
// may.
absl::Status EventStore::WriteOrHold(std::int64_t now_ns) {
  for (;;) {
    absl::Status written = WriteHeld();
    if (!absl::IsResourceExhausted(written)) {
      space_ = absl::OkStatus();
      return written;
    }
    space_ = std::move(written);
    tried_ns_ = now_ns;
    if (held_.bytes() <= options_.held_bytes_max) return absl::OkStatus();
    if (absl::Status room = MakeRoom(); !room.ok()) return room;
  }
}

// Ensures: ResourceExhausted where the rest can be written later: what was refused may lie behind
// the file's end in part, and is written over.
absl::Status EventStore::WriteHeld() {
  for (;;) {
    if (file_ != nullptr && files_.back().bytes >= options_.file_bytes) {
      if (absl::Status status = Final(file_->Sync()); !status.ok()) return status;
      if (absl::Status status = BeginFile(); !status.ok()) return status;
    } else if (file_ == nullptr) {
      if (absl::Status status = BeginFile(); !status.ok()) return status;
    }
    if (held_.empty()) return absl::OkStatus();
    if (absl::Status status = AppendHeld(); !status.ok()) return status;
  }
}

absl::Status EventStore::AppendHeld() {
  FileState& file = files_.back();
  HeldBlock& block = held_.front();
  SealBlock(SeedOf(file.number),
            {.magic = 0,
             .bytes = 0,
             .file = file.number,
             .offset = file.bytes,
             .covered = block.covered,
             .written_ns = block.written_ns,
             .checksum = 0},
            block.bytes);
  if (absl::Status status = file_->WriteAt(block.bytes, file.bytes); !status.ok()) return status;
  BlockPlace& place = blocks_[static_cast<std::size_t>(first_held() - first_block_)];
  place.file = file.number;
  place.offset = static_cast<std::uint32_t>(file.bytes);
  file.bytes += block.bytes.size();
  file.newest_ns = block.written_ns;
  written_covered_ = block.covered;
  held_.RemoveFront();
  file.blocks_end = first_held();
  return absl::OkStatus();
}

// Where more would be held than may be the oldest events make room, the only file's too.
absl::Status EventStore::MakeRoom() {
  const bool is_only = files_.size() == 1;
  if (files_.empty() || (is_only && files_.front().bytes == sizeof(OutboxFileHeader))) {
    return absl::ResourceExhaustedError("the disk is full, and no more may be held in memory");
  }
  if (absl::Status status = RemoveOldest(); !status.ok()) return status;
  if (is_only) file_ = nullptr;
  return absl::OkStatus();
}

// A last file without a block is made anew: starts that write nothing do not fill the folder.
absl::Status EventStore::BeginFile() {
  if (!files_.empty() && files_.back().bytes == sizeof(OutboxFileHeader)) {
    last_file_ = files_.back().number - 1;
    files_.pop_back();
  }
  OutboxFileHeader header{.shard = options_.identity.shard,
                          .cluster_id = options_.identity.cluster_id,
                          .file = last_file_ + 1,
                          .covered = written_covered_,
                          .previous = files_.empty() ? 0 : files_.back().bytes};
  SealFileHeader(header);
  absl::StatusOr<std::unique_ptr<File>> file = disk_.Create(PathOf(header.file));
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->WriteAt(std::as_bytes(std::span(&header, 1)), 0);
  if (!status.ok()) return status;
  file_ = *std::move(file);
  last_file_ = header.file;
  files_.push_back(
      {.number = header.file, .bytes = sizeof(header), .blocks_end = first_held(), .newest_ns = 0});
  return Final(disk_.SyncFolder(options_.folder));
}

absl::Status EventStore::Begin() {
  if (sets_aside_ && headless_ != 0) {
    if (absl::Status status = SetAside(headless_); !status.ok()) return status;
    headless_ = 0;
  }
  if (file_ != nullptr || !status_.ok()) return absl::OkStatus();
  return WriteOrHold(INT64_MIN);
}

absl::Status EventStore::GoOn() {
  if (!left_out_.empty() && file_ != nullptr && status_.ok()) status_ = file_->Sync();
  while (!left_out_.empty() && status_.ok() && space_.ok()) {
    const std::uint64_t file = left_out_.front();
    absl::Status status = sets_aside_ ? SetAside(file) : RemoveFile(file);
    if (!status.ok()) return status;
    left_out_.pop_front();
  }
  return Begin();
}

void EventStore::Sync(std::int64_t now_ns) {
  Write(now_ns);
  if (covered_ > written_covered_ && held_.empty()) WriteBlock(now_ns);
  if (!status_.ok() || !held_.empty() || synced_ == covered_) return;
  status_ = file_->Sync();
  if (status_.ok()) synced_ = covered_;
}

// Removing.

void EventStore::RemoveWhatIsTooMuch(std::int64_t now_ns) {
  while (files_.size() > 1 &&
         (bytes() > options_.bytes_max || files_.front().newest_ns < now_ns - options_.keep_ns)) {
    // One that cannot be removed stays, with those behind it, and is tried again.
    if (!RemoveOldest().ok()) return;
  }
}

// One after the other, on disk too: whatever a crash leaves has no gap.
absl::Status EventStore::RemoveFile(std::uint64_t file) {
  absl::Status status = disk_.Remove(PathOf(file));
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  return disk_.SyncFolder(options_.folder);
}

// Under the first name that is free: what was set aside before stays too.
absl::Status EventStore::SetAside(std::uint64_t file) {
  std::string aside;
  absl::Status taken;
  for (int nth = 1; taken.ok(); ++nth) {
    aside = absl::StrCat(PathOf(file), ".damaged-", nth);
    taken = disk_.OpenForReading(aside).status();
  }
  if (!absl::IsNotFound(taken)) return taken;
  absl::Status status = disk_.Rename(PathOf(file), aside);
  if (absl::IsNotFound(status)) return absl::OkStatus();
  if (!status.ok()) return status;
  set_aside_.push_back(std::move(aside));
  return disk_.SyncFolder(options_.folder);
}

absl::Status EventStore::RemoveOldest() {
  if (absl::Status status = RemoveFile(files_.front().number); !status.ok()) return status;
  ForgetBlocksBefore(files_.front().blocks_end);
  files_.pop_front();
  return absl::OkStatus();
}

void EventStore::ForgetBlocksBefore(std::uint64_t block) {
  for (auto& [credential, stream] : streams_) {
    const auto kept = std::ranges::find_if(
        stream.marks, [&](const Mark& mark) { return BlockOf(mark) >= block; });
    stream.marks.erase(stream.marks.begin(), kept);
    stream.first = stream.marks.empty()
                       ? stream.next
                       : stream.first + Low(stream.marks.front().number - Low(stream.first));
  }
  while (first_block_ < block) {
    blocks_.pop_front();
    ++first_block_;
  }
}

void EventStore::LeaveOutWhatIsThere() {
  for (const FileState& file : files_) left_out_.push_back(file.number);
  files_.clear();
  file_ = nullptr;
  streams_.clear();
  first_block_ = end_block();
  blocks_.clear();
  held_.Clear();
  loaded_block_ = UINT64_MAX;
  newest_sequence_ = 0;
}

// The newest first: what a crash leaves is a beginning.
absl::Status EventStore::Clear() {
  LeaveOutWhatIsThere();
  gathered_.resize(sizeof(EventBlockHeader));
  covered_ = written_covered_ = synced_ = 0;
  while (!left_out_.empty()) {
    if (absl::Status status = RemoveFile(left_out_.back()); !status.ok()) return status;
    left_out_.pop_back();
  }
  return absl::OkStatus();
}

std::uint64_t EventStore::bytes() const {
  std::uint64_t bytes = 0;
  for (const FileState& file : files_) bytes += file.bytes;
  return bytes;
}

// Reading.

EventStore::Kept EventStore::KeptOf(CredentialId credential) const {
  const auto stream = streams_.find(credential);
  if (stream == streams_.end()) return {};
  return {.first = stream->second.first, .next = stream->second.next};
}

// The last one at or before the number.
std::vector<EventStore::Mark>::const_iterator EventStore::MarkOf(const Stream& stream,
                                                                 std::uint64_t number) const {
  CHECK(number >= stream.first && number < stream.next);
  const std::uint32_t base = Low(stream.first);
  return std::prev(std::ranges::upper_bound(stream.marks, Low(number) - base, {},
                                            [base](const Mark& m) { return m.number - base; }));
}

std::uint64_t EventStore::BlockOf(CredentialId credential, std::uint64_t number) const {
  return BlockOf(*MarkOf(streams_.at(credential), number));
}

absl::StatusOr<std::size_t> EventStore::Read(CredentialId credential, std::uint64_t from,
                                             std::span<Event> into) {
  CHECK(!into.empty());
  const Stream& stream = streams_.at(credential);
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (auto mark = MarkOf(stream, from); mark != stream.marks.end() && count < into.size();
       ++mark) {
    const std::uint64_t block = BlockOf(*mark);
    bytes += blocks_[static_cast<std::size_t>(block - first_block_)].bytes;
    if (count > 0 && bytes > kEventBlockBytesMax) break;
    if (absl::Status status = Load(block); !status.ok()) return status;
    for (const Event& event : loaded_) {
      if (count == into.size()) break;
      if (event.credential != credential || event.event_number != from + count) continue;
      into[count++] = event;
    }
  }
  if (count > 0) return count;
  return absl::DataLossError(absl::StrCat("event ", from, " of credential ",
                                          static_cast<std::uint32_t>(credential),
                                          " is not where the outbox has it"));
}

absl::Status EventStore::Load(std::uint64_t block) {
  CHECK(block >= first_block_ && block < end_block());
  if (block == loaded_block_) return absl::OkStatus();
  loaded_block_ = UINT64_MAX;
  loaded_.clear();
  const auto keep = [this](const Event& event) { loaded_.push_back(event); };
  if (block >= first_held()) {
    CHECK(ForEachEvent(held_[static_cast<std::size_t>(block - first_held())].bytes, keep));
    loaded_block_ = block;
    return absl::OkStatus();
  }
  const BlockPlace& place = blocks_[static_cast<std::size_t>(block - first_block_)];
  const auto state = std::ranges::find_if(
      files_, [&](const FileState& file) { return file.number == place.file; });
  CHECK(state != files_.end());
  if (state->reader == nullptr) {
    absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(PathOf(place.file));
    if (!file.ok()) return file.status();
    state->reader = *std::move(file);
  }
  loaded_bytes_.resize(place.bytes);
  const absl::StatusOr<std::size_t> size = state->reader->ReadAt(loaded_bytes_, place.offset);
  if (!size.ok()) return size.status();
  EventBlockHeader header;
  const auto found = BlockAt(SeedOf(place.file), loaded_bytes_, header);
  if (*size != place.bytes || found.size() != place.bytes || !ForEachEvent(found, keep)) {
    return absl::DataLossError(
        absl::StrCat(PathOf(place.file), ": byte ", place.offset, ": a damaged block"));
  }
  loaded_block_ = block;
  return absl::OkStatus();
}

}  // namespace engine
