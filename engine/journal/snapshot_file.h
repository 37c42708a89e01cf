// A snapshot: an exchange's state after one command, in a file beside the journal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/digest.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"

namespace engine {

// 2: a state may end with parts that one of 1 cannot have. Both are read.
inline constexpr std::uint32_t kSnapshotFormatVersion = 2;
inline constexpr std::string_view kSnapshotPrefix = "snapshot-";

// The first bytes of the file; zeros fill its block, and the state follows.
struct SnapshotHeader {
  std::uint64_t magic = 0;
  std::uint32_t format_version = 0;
  std::uint32_t shard = 0;
  std::array<std::byte, 16> cluster_id{};
  std::uint64_t sequence = 0;  // Of the last command that is in it; as in the file's name.
  std::int64_t time_ns = 0;
  std::uint64_t state_bytes = 0;
  DigestBytes digest{};        // Of the state's bytes: the exchange's StateDigest().
  std::uint64_t checksum = 0;  // Of the block with this field zero.
};
static_assert(sizeof(SnapshotHeader) == 80 && std::is_trivially_copyable_v<SnapshotHeader>);

// "snapshot-<16 hex digits of the sequence>.snap"
std::string SnapshotName(std::uint64_t sequence);
std::optional<std::uint64_t> SnapshotSequence(std::string_view name);

// The sequences of the snapshots in a folder, newest first. Names that are none are passed over.
absl::StatusOr<std::vector<std::uint64_t>> ListSnapshots(Disk& disk, const std::string& folder);

// Makes one under a name of its own, so that no crash leaves half of one: the state, the header,
// sync, rename, sync of the folder. Errors are the disk's; a file that was not finished is removed
// where that can be done, and else by the journal that is opened next.
//
// Memory: a MiB. Thread: one owner.
class SnapshotWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Begin(Disk& disk,
                                                               const std::string& folder,
                                                               const JournalIdentity& identity,
                                                               std::uint64_t sequence,
                                                               std::int64_t time_ns);
  ~SnapshotWriter();  // Without Finish() nothing is left.
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // An error waits for Finish().
  void Add(std::span<const std::byte> state);
  // Ensures: the file has its name for good; returns its header.
  absl::StatusOr<SnapshotHeader> Finish();

 private:
  SnapshotWriter(Disk& disk, std::string folder, const SnapshotHeader& header);
  void WritePiece();
  std::string unfinished() const;

  Disk& disk_;
  const std::string folder_;
  SnapshotHeader header_;
  std::unique_ptr<File> file_;
  AlignedBuffer piece_;
  std::size_t gathered_ = 0;
  std::uint64_t written_ = 0;  // Bytes of the state.
  Digest digest_;
  absl::Status status_;
};

// Reads one. Damage is DataLoss, an older format Unimplemented; another's, or a newer program's,
// FailedPrecondition.
//
// Memory: a MiB. Thread: one owner.
class SnapshotReader {
 public:
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> Open(Disk& disk, const std::string& folder,
                                                              std::uint64_t sequence,
                                                              const JournalIdentity& identity);

  const SnapshotHeader& header() const { return header_; }

  // The state's next bytes; none at its end and after an error. They stay until the next call.
  std::span<const std::byte> Next();
  // The error, if there was one.
  const absl::Status& status() const { return status_; }

  // After the end. Ensures: ok only where all bytes were read and are those that were written; what
  // was made of them before is of no use else.
  absl::Status Check() const;

 private:
  SnapshotReader(std::string path, std::unique_ptr<File> file);
  absl::Status ReadHeader(std::uint64_t sequence, const JournalIdentity& identity);

  const std::string path_;
  std::unique_ptr<File> file_;
  SnapshotHeader header_;
  AlignedBuffer piece_;
  std::uint64_t read_ = 0;
  Digest digest_;
  absl::Status status_;
};

}  // namespace engine
