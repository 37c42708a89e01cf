#include "engine/journal/segment_maker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::size_t kZerosBytes = std::size_t{1} << 20;

}  // namespace

SegmentMaker::SegmentMaker(Disk& disk, std::string folder, std::uint64_t segment_bytes)
    : disk_(disk),
      folder_(std::move(folder)),
      segment_bytes_(segment_bytes),
      zeros_(static_cast<std::size_t>(std::min<std::uint64_t>(kZerosBytes, segment_bytes))),
      header_(kBlockBytes) {}

std::string SegmentMaker::path() const { return absl::StrCat(folder_, "/", SegmentName(segment_)); }

void SegmentMaker::Start(std::uint64_t segment, std::span<const std::byte> header_block) {
  CHECK(file_ == nullptr);
  CHECK(header_block.empty() || header_block.size() == kBlockBytes);
  segment_ = segment;
  written_ = 0;
  has_header_ = !header_block.empty();
  std::ranges::copy(header_block, header_.span().begin());
}

absl::StatusOr<bool> SegmentMaker::Step() {
  if (file_ == nullptr) {
    if (absl::Status status = Create(); !status.ok()) return status;
    return false;
  }
  const bool last = written_ == segment_bytes_;
  if (absl::Status status = last ? Finish() : WritePiece(); !status.ok()) {
    file_ = nullptr;
    // What is left is removed by the next start if it cannot be now.
    disk_.Remove(absl::StrCat(path(), kUnfinishedSuffix)).IgnoreError();
    return status;
  }
  if (last) file_ = nullptr;
  return last;
}

absl::Status SegmentMaker::Create() {
  const absl::StatusOr<std::uint64_t> free_bytes = disk_.FreeBytes(folder_);
  if (!free_bytes.ok()) return free_bytes.status();
  if (*free_bytes < segment_bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat("the disk of ", folder_, " has ", *free_bytes,
                                                     " bytes left; the next journal segment needs ",
                                                     segment_bytes_));
  }
  absl::StatusOr<std::unique_ptr<File>> file =
      disk_.Create(absl::StrCat(path(), kUnfinishedSuffix));
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  return absl::OkStatus();
}

// Each piece is synced by itself, so that a commit meanwhile waits for a MiB and not for a segment.
absl::Status SegmentMaker::WritePiece() {
  const std::size_t size =
      static_cast<std::size_t>(std::min<std::uint64_t>(zeros_.size(), segment_bytes_ - written_));
  if (absl::Status status = file_->WriteAt(zeros_.first(size), written_); !status.ok()) {
    return status;
  }
  written_ += size;
  return file_->Sync();
}

absl::Status SegmentMaker::Finish() {
  if (has_header_) {
    if (absl::Status status = file_->WriteAt(header_.span(), 0); !status.ok()) return status;
    if (absl::Status status = file_->Sync(); !status.ok()) return status;
  }
  const std::string unfinished = absl::StrCat(path(), kUnfinishedSuffix);
  if (absl::Status status = disk_.Rename(unfinished, path()); !status.ok()) return status;
  return disk_.SyncFolder(folder_);
}

SegmentMakerThread::SegmentMakerThread(SegmentMaker& maker)
    : maker_(maker),
      thread_(
          "journal-zeros", [this] { Run(); }, [] {}) {}

SegmentMakerThread::~SegmentMakerThread() { stop_.store(true, std::memory_order_relaxed); }

void SegmentMakerThread::Start() { thread_.Start(); }

std::optional<absl::Status> SegmentMakerThread::Take() {
  if (!thread_.Finished()) return std::nullopt;
  return result_;
}

void SegmentMakerThread::Run() {
  absl::StatusOr<bool> done = false;
  while (done.ok() && !*done && !stop_.load(std::memory_order_relaxed)) done = maker_.Step();
  result_ = done.status();
}

}  // namespace engine
