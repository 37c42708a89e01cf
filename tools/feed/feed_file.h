// A recorded order feed, *.pwfeed: the commands of a market's clients with their times, to be
// replayed. Written and read front to back.
//
//   FeedHeader        64 bytes, written last: a feed whose maker was stopped has none
//   records           engine::CommandHeader and bodies, as the journal has them, back to back
//   checksums         XXH3-64 of each record, 8 bytes each
//
// The definitions come first (one kGenesis, then markets, metering points, credentials, accounts),
// then the clients' commands by time. `sequence` counts the records from 1 and `client_seq` those
// of a credential. No kOpenProduct, kCloseRound, kFinishRound or kOutcome: whoever replays a feed
// asks Exchange::NextDue(). Token hashes are zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/core/digest.h"

namespace tools {

inline constexpr std::array<char, 8> kFeedMagic{'P', 'W', 'F', 'E', 'E', 'D', '\r', '\n'};
inline constexpr std::uint32_t kFeedVersion = 1;

// What made a feed. Numbers are permanent.
enum class FeedSource : std::uint32_t { kCity = 1, kProfiles = 2, kNem = 3, kJournal = 4 };

// Little endian.
struct FeedHeader {
  std::array<char, 8> magic = kFeedMagic;
  std::uint32_t version = kFeedVersion;
  FeedSource source{};
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;         // Of the records.
  std::int64_t first_time_ns = 0;  // Of the first record.
  std::uint64_t seed = 0;          // That the feed was drawn with; 0: nothing was drawn.
  engine::DigestBytes digest{};    // XXH3-128 of the 48 bytes before it and of the checksums.
};
static_assert(sizeof(FeedHeader) == 64 && std::is_trivially_copyable_v<FeedHeader>);

// A file that goes with its owner.
class PartialFile {
 public:
  PartialFile() = default;
  explicit PartialFile(std::string path) : path_(std::move(path)) {}
  PartialFile(PartialFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PartialFile& operator=(PartialFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~PartialFile();

  const std::string& path() const { return path_; }

  // Gives it another name, and lets go of it. Ensures: errno says why where it is false.
  bool Rename(const std::string& path);

 private:
  std::string path_;  // Empty: none.
};

// Makes a feed. It appears under its name, whole, when Finish() has succeeded.
// Thread: one owner. Memory: 8 bytes a record.
class FeedWriter {
 public:
  // Writes to `path` + ".partial" until Finish(), and removes that where it does not come to it; an
  // old feed at `path` stays until then. Ensures: AlreadyExists where something else is at `path`.
  static absl::StatusOr<FeedWriter> Create(const std::string& path, FeedSource source,
                                           std::uint64_t seed);

  // Appends a command of `type` by `credential` (zero in a definition).
  // Ensures: an error, and the feed never finishes, where a reader would refuse the record.
  template <typename Body>
  absl::Status Append(engine::CommandType type, std::int64_t time_ns,
                      engine::CredentialId credential, std::span<const Body> bodies) {
    return Write(type, time_ns, credential, bodies.size(), std::as_bytes(bodies));
  }

  // A definition, at the time of the one before it or `time_ns` where it is the first.
  template <typename Body>
  absl::Status Define(engine::CommandType type, std::int64_t time_ns, const Body& body) {
    return Append(type, time_ns, engine::CredentialId{}, std::span<const Body>(&body, 1));
  }

  std::uint64_t records() const { return header_.records; }

  // Writes what is missing and gives the feed its name. Nothing is appended after it.
  absl::Status Finish();

 private:
  FeedWriter() = default;
  absl::Status Write(engine::CommandType type, std::int64_t time_ns,
                     engine::CredentialId credential, std::size_t count,
                     std::span<const std::byte> bodies);

  std::string path_;
  PartialFile partial_;
  std::ofstream file_;
  FeedHeader header_;
  std::int64_t last_time_ns_ = 0;
  bool defining_ = true;
  absl::Status first_error_;
  std::vector<std::uint64_t> checksums_;
  std::vector<std::uint64_t> record_;  // 8-aligned room for one record.
  absl::flat_hash_map<engine::CredentialId, std::uint64_t> client_seqs_;
};

struct UnmapFeed {
  std::size_t size = 0;
  void operator()(const std::byte* begin) const;
};

// Hands out a feed's records in order, each checked before it is seen.
// Thread: one owner. The file must not be shortened while it is read.
class FeedReader {
 public:
  // Checks the header and that the file is whole. Cost: O(records / 8 KiB) page reads.
  static absl::StatusOr<FeedReader> Open(const std::string& path);

  const FeedHeader& header() const { return header_; }

  // The next record, in place while the reader lives; none at the end.
  // Ensures: an error names the file, the record (from 1) and its offset in bytes.
  absl::StatusOr<std::optional<engine::CommandView>> Next();

  void Rewind();

 private:
  FeedReader() = default;
  absl::Status CheckEnds() const;
  absl::Status Damaged(std::string_view what) const;

  std::string path_;
  FeedHeader header_;
  std::unique_ptr<const std::byte, UnmapFeed> file_;
  std::uint64_t record_ = 0;  // How many were handed out.
  std::uint64_t offset_ = sizeof(FeedHeader);
  std::int64_t last_time_ns_ = 0;
  bool defining_ = true;
};

}  // namespace tools
