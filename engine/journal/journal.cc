#include "engine/journal/journal.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/record.h"
#include "engine/journal/snapshot_file.h"
#include "engine/journal/spare_segment.h"

namespace engine {
namespace {

constexpr int kSettlePollMs = 100;
constexpr std::int64_t kSegmentPollNs = 1'000'000;
constexpr std::int64_t kDiskFullRetryNs = 1'000'000'000;

// Removes what a crash left of segments and snapshots that were being made. Ensures: whether there
// is a mark of where the journal begins.
absl::StatusOr<bool> RemoveUnfinished(Disk& disk, const std::string& folder) {
  absl::StatusOr<std::vector<std::string>> names = disk.List(folder);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const bool is_ours = name.starts_with(kJournalPrefix) || name.starts_with(kSnapshotPrefix);
    if (!is_ours || !name.ends_with(kUnfinishedSuffix)) continue;
    if (absl::Status status = disk.Remove(absl::StrCat(folder, "/", name)); !status.ok()) {
      return status;
    }
  }
  return std::ranges::find(*names, kBeginningFile) != names->end();
}

// What recovery read may be in the system's memory alone, if its writer died before the sync.
absl::Status SyncWhatWasRead(Disk& disk, const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (!file.ok()) return file.status();
  return (*file)->Sync();
}

absl::Status CheckOptions(const JournalOptions& options) {
  const std::uint64_t batch = options.batch_bytes;
  if (batch < kBlockBytes || batch > kBatchBytesMax || batch % kBlockBytes != 0 ||
      options.segment_bytes % kBlockBytes != 0 || options.segment_bytes < kBlockBytes + batch) {
    return absl::InvalidArgumentError(absl::StrCat(
        "segments of ", options.segment_bytes, " and batches of ", batch,
        " bytes cannot be: both are multiples of ", kBlockBytes, ", a batch has at most ",
        kBatchBytesMax, ", and a segment holds a batch behind its header's block"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(Disk& disk,
                                                       std::unique_ptr<BatchWriter> writer,
                                                       JournalOptions options,
                                                       const JournalTail& tail) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<Journal> journal(new Journal(disk, std::move(writer), std::move(options)));
  if (absl::Status status = journal->Begin(tail); !status.ok()) return status;
  return journal;
}

Journal::Journal(Disk& disk, std::unique_ptr<BatchWriter> writer, JournalOptions options)
    : disk_(disk),
      options_(std::move(options)),
      buffers_{AlignedBuffer(options_.batch_bytes), AlignedBuffer(options_.batch_bytes)},
      header_block_(kBlockBytes),
      writer_(std::move(writer)) {
  maker_ = std::make_unique<SegmentMaker>(disk_, options_.folder, options_.segment_bytes);
  if (options_.make_segments_in_thread) {
    maker_thread_ = std::make_unique<SegmentMakerThread>(*maker_);
  }
}

Journal::~Journal() = default;

absl::Status Journal::Begin(const JournalTail& tail) {
  const absl::StatusOr<bool> has_mark = RemoveUnfinished(disk_, options_.folder);
  if (!has_mark.ok()) return has_mark.status();
  if (*has_mark) {
    if (absl::Status status = RemoveLeftovers(); !status.ok()) return status;
  }
  if (!tail.last_file.empty()) {
    if (absl::Status status = SyncWhatWasRead(disk_, tail.last_file); !status.ok()) return status;
  }
  appended_ = tail.next_sequence - 1;
  last_time_ns_ = tail.last_time_ns;
  durable_ = appended_;
  segment_ = tail.next_segment;
  seed_ = ChecksumSeed(options_.identity, segment_);
  const absl::Status made = MakeFirstSegment();
  if (absl::IsResourceExhausted(made) && options_.takes_spare) return GoOnWithoutSpace(made, tail);
  if (!made.ok()) return made;
  if (absl::Status status = writer_->Use(maker_->path()); !status.ok()) return status;
  PrepareSegment();
  return absl::OkStatus();
}

absl::Status Journal::MakeFirstSegment() {
  segment_bytes_ = options_.segment_bytes;
  WriteSegmentHeader(options_.identity, segment_, appended_ + 1, segment_bytes_,
                     header_block_.span());
  maker_->Start(segment_, header_block_.span());
  for (;;) {
    const absl::StatusOr<bool> made = maker_->Step();
    if (!made.ok()) return made.status();
    if (*made) return absl::OkStatus();
  }
}

absl::Status Journal::GoOnWithoutSpace(const absl::Status& no_space, const JournalTail& tail) {
  const absl::Status has_spare = writer_->Use(maker_->path());
  if (absl::IsNotFound(has_spare)) return GoOnInLast(no_space, tail);
  if (!has_spare.ok()) return has_spare;
  return GoOnInSpare(no_space);
}

// Nothing in it was acknowledged: it has no batch, and once the writer has it none is under way.
// Its header is written whether it has one or not, since that may be in the system's memory alone.
absl::Status Journal::GoOnInSpare(const absl::Status& no_space) {
  const std::string path = maker_->path();
  const auto spare = FindSpare(disk_, path, options_.identity, segment_, appended_ + 1);
  if (!spare.ok()) return spare.status();
  if (!spare->has_value() || **spare < kBlockBytes + options_.batch_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(no_space.message(), ", and ", path, " cannot stand in for it: it ",
                     spare->has_value() ? "has no room for a batch" : "is not as it was made"));
  }
  segment_bytes_ = **spare;
  WriteSegmentHeader(options_.identity, segment_, appended_ + 1, segment_bytes_,
                     header_block_.span());
  if (absl::Status status = NameAgain(disk_, options_.folder, path); !status.ok()) return status;
  if (absl::Status status = WriteHeaderNow(); !status.ok()) return status;
  next_status_ = no_space;
  return absl::OkStatus();
}

// Where a batch was cut only a new segment can say so: it may have been acknowledged, and stays.
absl::Status Journal::GoOnInLast(const absl::Status& no_space, const JournalTail& tail) {
  if (tail.last_batches == 0 || tail.cut) return no_space;
  if (absl::Status status = writer_->Use(tail.last_file); !status.ok()) return status;
  const auto ends = EndsAt(disk_, tail.last_file, tail.last_segment_bytes, /*end=*/tail.last_end);
  if (!ends.ok()) return ends.status();
  if (!*ends) return no_space;
  --segment_;
  segment_bytes_ = tail.last_segment_bytes;
  seed_ = ChecksumSeed(options_.identity, segment_);
  offset_ = tail.last_end;
  batch_ = tail.last_batches;
  window_open_ = true;
  next_status_ = no_space;
  return absl::OkStatus();
}

absl::Status Journal::WriteHeaderNow() {
  if (absl::Status status = writer_->Submit(header_block_.span(), 0); !status.ok()) return status;
  for (;;) {
    const absl::StatusOr<bool> completed = writer_->Completed();
    if (!completed.ok()) return completed.status();
    if (*completed) return absl::OkStatus();
    WaitForCompletion();
  }
}

void Journal::WaitForCompletion() {
  pollfd wait{.fd = completion_fd(), .events = POLLIN, .revents = 0};
  if (wait.fd < 0) return;
  poll(&wait, 1, kSettlePollMs);
  ClearCompletionFd();
}

// The first segment may need the room of those that a crash has left before the beginning. Where
// they cannot be removed they do no harm.
absl::Status Journal::RemoveLeftovers() {
  const auto beginning = ReadBeginning(disk_, options_.folder, options_.identity);
  if (!beginning.ok()) return beginning.status();
  engine::RemoveLeftovers(disk_, options_.folder, options_.identity, *beginning).IgnoreError();
  return absl::OkStatus();
}

void Journal::Append(CommandView command) {
  const std::span<const std::byte> bytes = command.bytes();
  CHECK(HasRoom(bytes.size()));
  CHECK(command.header().sequence == appended_ + 1);
  CHECK(command.header().time_ns >= last_time_ns_);
  CHECK(CheckRecord(bytes).ok());
  std::memcpy(buffers_[gathering_].data() + gathered_, bytes.data(), bytes.size());
  gathered_ += bytes.size();
  ++gathered_records_;
  ++appended_;
  last_time_ns_ = command.header().time_ns;
}

absl::Status Journal::Turn(std::int64_t now_ns) {
  if (status_.ok()) status_ = Work(now_ns);
  return status_;
}

absl::Status Journal::Work(std::int64_t now_ns) {
  TakeSegment(now_ns);
  if (flight_ != Flight::kNone) {
    if (absl::Status status = TakeCompletion(now_ns); !status.ok()) return status;
  }
  if (flight_ != Flight::kNone) return absl::OkStatus();
  const bool idle = window_open_ && now_ns - last_completion_ns_ >= options_.idle_ns;
  if (empty() && !idle) return absl::OkStatus();
  if (offset_ + RoundUpToBlock(gathered_) > segment_bytes_) return RollSegment(now_ns);
  return StartBatch();
}

absl::Status Journal::TakeCompletion(std::int64_t now_ns) {
  const absl::StatusOr<bool> completed = writer_->Completed();
  if (!completed.ok()) return completed.status();
  if (!*completed) return absl::OkStatus();
  last_completion_ns_ = now_ns;
  if (flight_ == Flight::kBatch) {
    durable_ = flight_last_;
    window_open_ = flight_has_records_;
    ++batches_written_;
    bytes_written_ += flight_bytes_;
  } else {
    window_open_ = false;  // The header's first sequence says as much as an empty batch.
    PrepareSegment();
  }
  flight_ = Flight::kNone;
  return absl::OkStatus();
}

absl::Status Journal::StartBatch() {
  const std::uint64_t padded = RoundUpToBlock(gathered_);
  const std::span<std::byte> batch = buffers_[gathering_].first(static_cast<std::size_t>(padded));
  std::ranges::fill(batch.subspan(gathered_), std::byte{0});
  SealBatch(seed_,
            {.magic = 0,
             .format_version = 0,
             .segment = segment_,
             .batch = batch_,
             .first_sequence = appended_ - gathered_records_ + 1,
             .durable_sequence = durable_,
             .records = gathered_records_,
             .bytes = static_cast<std::uint32_t>(gathered_),
             .records_checksum = 0,
             .header_checksum = 0},
            batch);
  if (absl::Status status = writer_->Submit(batch, offset_); !status.ok()) return status;
  flight_ = Flight::kBatch;
  flight_last_ = appended_;
  flight_bytes_ = padded;
  flight_has_records_ = gathered_records_ > 0;
  offset_ += padded;
  ++batch_;
  gathering_ = 1 - gathering_;
  gathered_ = sizeof(BatchHeader);
  gathered_records_ = 0;
  return absl::OkStatus();
}

// Goes on in the segment that was made ahead, by the write of its header; what was gathered waits
// until that is on disk, and longer where the segment is still being made or has no space.
absl::Status Journal::RollSegment(std::int64_t now_ns) {
  if (!next_made_) {
    look_again_ns_ = now_ns + kSegmentPollNs;
    return disk_full() ? absl::OkStatus() : next_status_;
  }
  look_again_ns_ = 0;
  next_made_ = false;
  const std::uint64_t first_sequence = appended_ - gathered_records_ + 1;
  ++segment_;
  segment_bytes_ = options_.segment_bytes;
  seed_ = ChecksumSeed(options_.identity, segment_);
  offset_ = kBlockBytes;
  batch_ = 0;
  WriteSegmentHeader(options_.identity, segment_, first_sequence, segment_bytes_,
                     header_block_.span());
  if (absl::Status status = writer_->Use(maker_->path()); !status.ok()) return status;
  if (absl::Status status = writer_->Submit(header_block_.span(), 0); !status.ok()) return status;
  flight_ = Flight::kSegmentHeader;
  return absl::OkStatus();
}

void Journal::PrepareSegment() {
  maker_->Start(segment_ + 1, {});
  making_ = true;
  if (maker_thread_) maker_thread_->Start();
}

void Journal::TakeSegment(std::int64_t now_ns) {
  if (!making_) {
    // A failed attempt leaves no file behind: unlike a failed commit it can be made again.
    if (disk_full() && now_ns >= retry_ns_) PrepareSegment();
    return;
  }
  if (maker_thread_) {
    const std::optional<absl::Status> result = maker_thread_->Take();
    if (!result) {
      retry_ns_ = now_ns + kSegmentPollNs;  // Nobody rings where it is made.
      return;
    }
    next_status_ = *result;
  } else {
    const absl::StatusOr<bool> done = maker_->Step();
    if (done.ok() && !*done) return;
    next_status_ = done.status();
  }
  making_ = false;
  next_made_ = next_status_.ok();
  retry_ns_ = now_ns + kDiskFullRetryNs;
}

std::int64_t Journal::next_turn_ns() const {
  if (making_ && !maker_thread_) return 0;
  std::int64_t next = disk_full() ? retry_ns_ : INT64_MAX;
  if (flight_ != Flight::kNone) return next;
  if (look_again_ns_ != 0) return making_ || next_made_ ? look_again_ns_ : next;
  if (!empty()) return 0;
  if (window_open_) next = std::min(next, last_completion_ns_ + options_.idle_ns);
  return next;
}

void Journal::ClearCompletionFd() {
  std::uint64_t count = 0;
  // The descriptor does not block: empty already is as good.
  [[maybe_unused]] const ssize_t size = read(completion_fd(), &count, sizeof(count));
}

absl::Status Journal::Settle() {
  while (status_.ok() && (durable_ != appended_ || window_open_ || flight_ != Flight::kNone)) {
    // As if the idle time had passed.
    if (absl::Status status = Turn(last_completion_ns_ + options_.idle_ns); !status.ok()) {
      return status;
    }
    if (flight_ == Flight::kNone && look_again_ns_ != 0 && disk_full()) return next_status_;
    if (flight_ != Flight::kNone) {
      WaitForCompletion();
    } else if (look_again_ns_ != 0 && completion_fd() >= 0) {
      poll(nullptr, 0, 1);
    }
  }
  return status_;
}

}  // namespace engine
