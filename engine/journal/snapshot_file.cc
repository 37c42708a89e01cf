#include "engine/journal/snapshot_file.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/journal/numbered_files.h"

namespace engine {
namespace {

constexpr std::uint64_t kSnapshotMagic = 0x50'4E'53'54'54'41'57'50;  // "PWATTSNP"
constexpr std::string_view kSuffix = ".snap";
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::uint64_t HeaderChecksum(std::span<const std::byte> block, SnapshotHeader header) {
  const std::uint64_t seed =
      ChecksumSeed({.cluster_id = header.cluster_id, .shard = header.shard}, header.sequence);
  header.checksum = 0;
  return HeaderBlockChecksum(block, std::as_bytes(std::span(&header, 1)), seed);
}

std::string PathOf(const std::string& folder, std::uint64_t sequence) {
  return absl::StrCat(folder, "/", SnapshotName(sequence));
}

}  // namespace

std::string SnapshotName(std::uint64_t sequence) {
  return NumberedName(kSnapshotPrefix, sequence, kSuffix);
}

std::optional<std::uint64_t> SnapshotSequence(std::string_view name) {
  return NumberInName(name, kSnapshotPrefix, kSuffix);
}

absl::StatusOr<std::vector<std::uint64_t>> ListSnapshots(Disk& disk, const std::string& folder) {
  absl::StatusOr<std::vector<std::uint64_t>> sequences =
      ListNumbers(disk, folder, SnapshotSequence);
  if (sequences.ok()) std::ranges::reverse(*sequences);
  return sequences;
}

SnapshotWriter::SnapshotWriter(Disk& disk, std::string folder, const SnapshotHeader& header)
    : disk_(disk), folder_(std::move(folder)), header_(header), piece_(kPieceBytes) {}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Begin(
    Disk& disk, const std::string& folder, const JournalIdentity& identity, std::uint64_t sequence,
    std::int64_t time_ns) {
  const SnapshotHeader header{.magic = kSnapshotMagic,
                              .format_version = kSnapshotFormatVersion,
                              .shard = identity.shard,
                              .cluster_id = identity.cluster_id,
                              .sequence = sequence,
                              .time_ns = time_ns};
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(disk, folder, header));
  absl::StatusOr<std::unique_ptr<File>> file = disk.Create(writer->unfinished());
  if (!file.ok()) return file.status();
  writer->file_ = *std::move(file);
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (file_ == nullptr) return;
  file_ = nullptr;
  disk_.Remove(unfinished()).IgnoreError();
}

std::string SnapshotWriter::unfinished() const {
  return absl::StrCat(PathOf(folder_, header_.sequence), kUnfinishedSuffix);
}

void SnapshotWriter::Add(std::span<const std::byte> state) {
  digest_.Add(state);
  while (!state.empty()) {
    const std::size_t some = std::min(state.size(), piece_.size() - gathered_);
    std::memcpy(piece_.data() + gathered_, state.data(), some);
    gathered_ += some;
    state = state.subspan(some);
    if (gathered_ == piece_.size()) WritePiece();
  }
}

// Each piece is synced by itself, so that a commit meanwhile waits for a MiB and not for all of it.
void SnapshotWriter::WritePiece() {
  if (status_.ok()) {
    status_ = file_->WriteAt(piece_.first(gathered_), kBlockBytes + written_);
  }
  if (status_.ok()) status_ = file_->Sync();
  written_ += gathered_;
  gathered_ = 0;
}

absl::StatusOr<SnapshotHeader> SnapshotWriter::Finish() {
  CHECK(file_ != nullptr);
  if (gathered_ > 0) WritePiece();
  header_.state_bytes = written_;
  header_.digest = digest_.Finish();
  const AlignedBuffer block(kBlockBytes);
  std::memcpy(block.data(), &header_, sizeof(header_));
  header_.checksum = HeaderChecksum(block.span(), header_);
  std::memcpy(block.data(), &header_, sizeof(header_));
  if (status_.ok()) status_ = file_->WriteAt(block.span(), 0);
  if (status_.ok()) status_ = file_->Sync();
  if (status_.ok()) status_ = disk_.Rename(unfinished(), PathOf(folder_, header_.sequence));
  if (!status_.ok()) return status_;  // What there is of it goes with the writer.
  file_ = nullptr;
  status_ = disk_.SyncFolder(folder_);
  if (!status_.ok()) return status_;
  return header_;
}

SnapshotReader::SnapshotReader(std::string path, std::unique_ptr<File> file)
    : path_(std::move(path)), file_(std::move(file)) {}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(
    Disk& disk, const std::string& folder, std::uint64_t sequence,
    const JournalIdentity& identity) {
  std::string path = PathOf(folder, sequence);
  absl::StatusOr<std::unique_ptr<File>> file = disk.OpenForReading(path);
  if (!file.ok()) return file.status();
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader(std::move(path), *std::move(file)));
  if (absl::Status status = reader->ReadHeader(sequence, identity); !status.ok()) return status;
  return reader;
}

absl::Status SnapshotReader::ReadHeader(std::uint64_t sequence, const JournalIdentity& identity) {
  const AlignedBuffer block(kBlockBytes);
  const absl::StatusOr<std::size_t> size = file_->ReadAt(block.span(), 0);
  if (!size.ok()) return size.status();
  std::memcpy(&header_, block.data(), sizeof(header_));
  if (*size < kBlockBytes || header_.magic != kSnapshotMagic ||
      header_.checksum != HeaderChecksum(block.span(), header_)) {
    return absl::DataLossError(absl::StrCat(path_, ", byte 0: the snapshot's header is damaged"));
  }
  if (header_.format_version == 0) {
    return absl::UnimplementedError(
        absl::StrCat(path_, ": snapshot format version ", header_.format_version, " is not read"));
  }
  if (header_.format_version > kSnapshotFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_, ": snapshot format version ", header_.format_version, ", but this program reads ",
        kSnapshotFormatVersion, ": run the program that wrote it"));
  }
  const JournalIdentity whose{.cluster_id = header_.cluster_id, .shard = header_.shard};
  if (whose != identity || header_.sequence != sequence) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_, ": the snapshot of sequence ", header_.sequence, " of shard ", whose.shard,
        " of cluster ", ToHex(whose.cluster_id), " under another's name: put back the right file"));
  }
  const std::uint64_t piece = std::min<std::uint64_t>(kPieceBytes, header_.state_bytes);
  piece_ = AlignedBuffer(static_cast<std::size_t>(piece));
  return absl::OkStatus();
}

std::span<const std::byte> SnapshotReader::Next() {
  const std::size_t most =
      static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), header_.state_bytes - read_));
  if (!status_.ok() || most == 0) return {};
  const absl::StatusOr<std::size_t> size = file_->ReadAt(piece_.first(most), kBlockBytes + read_);
  if (!size.ok()) {
    status_ = size.status();
    return {};
  }
  if (*size < most) {
    status_ = absl::DataLossError(absl::StrCat(path_, ": the snapshot ends at byte ",
                                               kBlockBytes + read_ + *size, ", not at ",
                                               kBlockBytes + header_.state_bytes));
    return {};
  }
  digest_.Add(piece_.first(most));
  read_ += most;
  return piece_.first(most);
}

absl::Status SnapshotReader::Check() const {
  if (!status_.ok()) return status_;
  if (read_ == header_.state_bytes && digest_.Finish() == header_.digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path_,
                                          ": the snapshot's bytes are damaged: their digest "
                                          "is not the one in its header, ",
                                          ToHex(header_.digest)));
}

}  // namespace engine
