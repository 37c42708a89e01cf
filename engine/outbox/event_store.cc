#include "engine/outbox/event_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"

namespace engine {
namespace {

std::uint32_t Low(std::uint64_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

EventStore::EventStore(Disk& disk, EventStoreOptions options)
    : disk_(disk), options_(std::move(options)), gathered_(sizeof(EventBlockHeader)) {}

absl::StatusOr<std::unique_ptr<EventStore>> EventStore::Open(Disk& disk,
                                                             EventStoreOptions options) {
  CHECK(options.file_bytes >= kEventBlockBytesMax);
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<EventStore> store(new EventStore(disk, std::move(options)));
  absl::Status status = store->ReadFiles();
  if (status.ok()) status = store->BeginFile();
  if (!status.ok()) return status;
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
  if (gathered_.size() + kEventRecordBytesMax > kEventBlockBytesMax) WriteBlock(now_ns);
  AppendRecord(event, gathered_);
  Index(event, end_block());
}

void EventStore::Index(const Event& event, std::uint64_t block) {
  Stream& stream = streams_[event.credential];
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
  if (gathered_.size() > sizeof(EventBlockHeader)) WriteBlock(now_ns);
  RemoveWhatIsTooMuch(now_ns);
}

void EventStore::WriteBlock(std::int64_t now_ns) {
  if (status_.ok()) status_ = WriteGathered(now_ns);
  gathered_.resize(sizeof(EventBlockHeader));
}

absl::Status EventStore::WriteGathered(std::int64_t now_ns) {
  FileState* file = &files_.back();
  SealBlock(SeedOf(file->number),
            {.magic = 0,
             .bytes = 0,
             .file = file->number,
             .offset = file->bytes,
             .covered = covered_,
             .written_ns = now_ns,
             .checksum = 0},
            gathered_);
  if (absl::Status status = Append(gathered_); !status.ok()) return status;
  blocks_.push_back({.file = file->number,
                     .offset = static_cast<std::uint32_t>(file->bytes - gathered_.size()),
                     .bytes = static_cast<std::uint32_t>(gathered_.size())});
  file->blocks_end = end_block();
  file->newest_ns = now_ns;
  written_covered_ = covered_;
  if (file->bytes < options_.file_bytes) return absl::OkStatus();
  if (absl::Status status = file_->Sync(); !status.ok()) return status;
  return BeginFile();
}

// Where the disk is full the oldest events make room.
absl::Status EventStore::Append(std::span<const std::byte> bytes) {
  for (;;) {
    const absl::Status status = file_->WriteAt(bytes, files_.back().bytes);
    if (status.ok()) files_.back().bytes += bytes.size();
    if (!absl::IsResourceExhausted(status) || !MakeRoom()) return status;
  }
}

bool EventStore::MakeRoom() {
  if (files_.size() < 2) return false;
  RemoveOldest();
  return true;
}

// A last file without a block is made anew: starts that write nothing do not fill the folder.
absl::Status EventStore::BeginFile() {
  if (!files_.empty() && files_.back().bytes == sizeof(OutboxFileHeader)) {
    last_file_ = files_.back().number - 1;
    files_.pop_back();
  }
  OutboxFileHeader header{.shard = options_.identity.shard,
                          .cluster_id = options_.identity.cluster_id,
                          .file = ++last_file_,
                          .covered = covered_,
                          .previous = files_.empty() ? 0 : files_.back().bytes};
  SealFileHeader(header);
  for (;;) {
    absl::StatusOr<std::unique_ptr<File>> file = disk_.Create(PathOf(header.file));
    absl::Status status = file.status();
    if (status.ok()) status = (*file)->WriteAt(std::as_bytes(std::span(&header, 1)), 0);
    if (status.ok()) file_ = *std::move(file);
    if (status.ok()) break;
    if (!absl::IsResourceExhausted(status) || files_.empty()) return status;
    RemoveOldest();
  }
  files_.push_back(
      {.number = header.file, .bytes = sizeof(header), .blocks_end = end_block(), .newest_ns = 0});
  written_covered_ = covered_;
  return disk_.SyncFolder(options_.folder);
}

void EventStore::Sync(std::int64_t now_ns) {
  Write(now_ns);
  if (covered_ > written_covered_) WriteBlock(now_ns);
  if (!status_.ok() || synced_ == covered_) return;
  status_ = file_->Sync();
  if (status_.ok()) synced_ = covered_;
}

// Removing.

void EventStore::RemoveWhatIsTooMuch(std::int64_t now_ns) {
  while (files_.size() > 1 &&
         (bytes() > options_.bytes_max || files_.front().newest_ns < now_ns - options_.keep_ns)) {
    RemoveOldest();
  }
}

// One that cannot be removed is seen again by the next Open(), and does no harm.
void EventStore::RemoveOldest() {
  ForgetBlocksBefore(files_.front().blocks_end);
  disk_.Remove(PathOf(files_.front().number)).IgnoreError();
  files_.pop_front();
}

void EventStore::ForgetBlocksBefore(std::uint64_t block) {
  for (auto& [credential, stream] : streams_) {
    while (!stream.marks.empty() && BlockOf(stream.marks.front()) < block) {
      stream.marks.pop_front();
    }
    const std::uint64_t kept = stream.next - stream.first;
    stream.first = stream.marks.empty()
                       ? stream.next
                       : stream.first + Low(stream.marks.front().number - Low(stream.first));
    CHECK(stream.next - stream.first <= kept);
  }
  while (first_block_ < block) {
    blocks_.pop_front();
    ++first_block_;
  }
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

absl::StatusOr<std::size_t> EventStore::Read(CredentialId credential, std::uint64_t from,
                                             std::span<Event> into) {
  const auto found = streams_.find(credential);
  CHECK(found != streams_.end() && !into.empty());
  const Stream& stream = found->second;
  CHECK(from >= stream.first && from < stream.next);
  // The last mark at or before it.
  const std::uint32_t base = Low(stream.first);
  auto mark = std::ranges::upper_bound(stream.marks, Low(from) - base, {},
                                       [base](const Mark& m) { return m.number - base; });
  std::size_t count = 0;
  for (--mark; mark != stream.marks.end() && count < into.size(); ++mark) {
    const absl::StatusOr<std::span<const std::byte>> block = Load(BlockOf(*mark));
    if (!block.ok()) return block.status();
    ForEachEvent(*block, [&](const Event& event) {
      const bool wanted = event.credential == credential && event.event_number == from + count;
      if (wanted && count < into.size()) into[count++] = event;
    });
  }
  if (count > 0) return count;
  return absl::DataLossError(absl::StrCat("event ", from, " of credential ",
                                          static_cast<std::uint32_t>(credential),
                                          " is not where the outbox has it"));
}

absl::StatusOr<std::span<const std::byte>> EventStore::Load(std::uint64_t block) {
  CHECK(block >= first_block_ && block < end_block());
  if (block == loaded_block_) return std::span<const std::byte>(loaded_);
  loaded_block_ = UINT64_MAX;
  const BlockPlace& place = blocks_[static_cast<std::size_t>(block - first_block_)];
  absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(PathOf(place.file));
  if (!file.ok()) return file.status();
  loaded_.resize(place.bytes);
  const absl::StatusOr<std::size_t> size = (*file)->ReadAt(loaded_, place.offset);
  if (!size.ok()) return size.status();
  EventBlockHeader header;
  if (*size != place.bytes || BlockAt(SeedOf(place.file), loaded_, header).size() != place.bytes) {
    return absl::DataLossError(
        absl::StrCat(PathOf(place.file), ": byte ", place.offset, ": a damaged block"));
  }
  loaded_block_ = block;
  return std::span<const std::byte>(loaded_);
}

}  // namespace engine
