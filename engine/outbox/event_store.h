// The outbox: every numbered event that was told or is to be told, on disk, so that who was away,
// or reads too slowly, hears it all the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/event.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/outbox/event_block.h"
#include "engine/outbox/held_blocks.h"
#include "engine/outbox/outbox_file.h"

namespace engine {

struct EventStoreOptions {
  std::string folder;
  JournalIdentity identity;
  std::uint64_t file_bytes = std::uint64_t{16} << 20;
  // Files go, the oldest first, that are beyond this in all, or whose events are older. The one
  // that is written stays.
  std::uint64_t bytes_max = std::uint64_t{1} << 30;
  std::int64_t keep_ns = std::int64_t{72} * 3'600 * 1'000'000'000;  // Exchange time.
  // Of memory, for what the full disk has no space for.
  std::uint64_t held_bytes_max = std::uint64_t{64} << 20;
};

// Files "outbox-<number>.log" beside the journal, whose replay makes again what the journal still
// has the records of, and no more. Where a file is damaged or missing it has what lies behind.
// Where the disk is full, blocks are held in memory, and read there, until there is space; beyond
// held_bytes_max old files make room. What cannot be written even so, or for another reason, leaves
// a hole: from then on nothing is kept until the next Open(), and the journal's replay then fills
// it, as far as it goes back. Files that are damaged go once the journal has made all of it again;
// what it cannot make again is set aside under another name.
//
// Thread: one owner. Memory: 8 bytes for each credential in each block, so at most 8 an event;
// three blocks; and what is held. Cost: Add is a copy and a probe; Read is a block read, checked
// and passed through for each block that has some of the credential's events.
class EventStore {
 public:
  // Reads what is there, and changes nothing on disk before GoOn() or the first write: a start that
  // is refused has lost nothing. Ensures: an error only where the folder cannot be read, or a file
  // is another's or a newer program's.
  static absl::StatusOr<std::unique_ptr<EventStore>> Open(Disk& disk, EventStoreOptions options);

  // Every numbered event of the commands up to this one was added. What a snapshot may cover is
  // synced().
  std::uint64_t covered() const { return covered_; }
  std::uint64_t synced() const { return synced_; }

  // Keeps it, where it is not there already; it can be read after the next Write().
  // Requires: numbered; per credential in the order of their numbers.
  void Add(const Event& event, std::int64_t now_ns);
  // The number of the credential's next event. What it does not have before it is gone.
  void Expect(CredentialId credential, std::uint64_t next);
  // Requires: all numbered events of the commands up to `sequence` were added.
  void Cover(std::uint64_t sequence) { covered_ = std::max(covered_, sequence); }
  // What was added can be read now. Removes what is too old at `now_ns` or too much. What waits for
  // space is tried again where that was not done for a second.
  void Write(std::int64_t now_ns);
  // Ensures: synced() is covered(), or status() or space() says why not.
  void Sync(std::int64_t now_ns);

  // Files that are damaged, and those before them, are not removed or written over from now on:
  // they get the name with ".damaged-<n>" behind it. Requires: before Begin() and GoOn().
  void SetAsideWhatIsDamaged() { sets_aside_ = true; }
  // Makes the file that is written; then, once what was added is on disk, removes those that were
  // damaged and those before them, or leaves that to the next start where there is no space yet.
  // Requires: the journal was recovered from, and all that it can make again was added.
  absl::Status GoOn();
  // Begins a file where none goes on, so that a disk that takes none is found now. A full one is no
  // error: space() says so, and it is tried again, as where it fills up later.
  absl::Status Begin();
  // Begins anew, empty, and removes all that is there. Requires: the journal can make all of it
  // again.
  absl::Status Clear();

  // The highest sequence of an event that it has.
  std::uint64_t newest_sequence() const { return newest_sequence_; }

  // Why nothing more is kept; OK while it is.
  const absl::Status& status() const { return status_; }
  // Why what is to be written waits for space on the disk; OK where nothing does.
  const absl::Status& space() const { return space_; }
  // Files that were damaged or behind which one is missing: they and what was before them are left
  // out.
  const std::vector<std::string>& damaged() const { return damaged_; }
  // What was set aside, by its new name.
  const std::vector<std::string>& set_aside() const { return set_aside_; }
  std::uint64_t bytes() const;  // On disk.

  // The numbers of a credential's events that can be read: [first, next). Equal: none is kept.
  struct Kept {
    std::uint64_t first = 0;
    std::uint64_t next = 0;  // 0: it has heard nothing of this credential.
  };
  Kept KeptOf(CredentialId credential) const;

  // Where the event lies: queries in this order read each block once. Requires: first <= number <
  // next.
  std::uint64_t BlockOf(CredentialId credential, std::uint64_t number) const;

  // Copies events from number `from` on, without a gap, of as many blocks as one may be long.
  // Requires: first <= from < next. Ensures: how many; at least one.
  absl::StatusOr<std::size_t> Read(CredentialId credential, std::uint64_t from,
                                   std::span<Event> into);

 private:
  struct BlockPlace {
    std::uint64_t file = 0;  // 0: it is held.
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
  };
  struct FileState {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t blocks_end = 0;  // Behind the number of its last block.
    std::int64_t newest_ns = 0;    // When its last block was written.
    // Open while the file is kept: to be read once and again.
    std::unique_ptr<File> reader{};
  };
  // Where a block begins to have events of a credential.
  struct Mark {
    std::uint32_t block = 0;   // Its number; the low half.
    std::uint32_t number = 0;  // Of the first event; the low half.
  };
  struct Stream {
    std::uint64_t first = 0;
    std::uint64_t next = 0;
    std::vector<Mark> marks;
  };

  EventStore(Disk& disk, EventStoreOptions options);
  absl::Status ReadFiles();
  void TakeFile(const OutboxFile& found, std::optional<std::uint64_t> end, bool is_last);
  void TakeBlocks(const OutboxFile& found, std::uint64_t end, FileState& file);
  absl::Status BeginFile();
  void WriteBlock(std::int64_t now_ns);
  absl::Status WriteOrHold(std::int64_t now_ns);
  absl::Status WriteHeld();
  absl::Status AppendHeld();
  bool IsTimeToTry(std::int64_t now_ns) const;
  absl::Status MakeRoom();
  void Index(const Event& event, std::uint64_t block);
  absl::Status RemoveFile(std::uint64_t file);
  absl::Status SetAside(std::uint64_t file);
  absl::Status RemoveOldest();
  void LeaveOutWhatIsThere();
  void ForgetBlocksBefore(std::uint64_t block);
  void RemoveWhatIsTooMuch(std::int64_t now_ns);
  std::string PathOf(std::uint64_t file) const;
  std::uint64_t SeedOf(std::uint64_t file) const { return BlockSeed(options_.identity, file); }
  std::uint64_t end_block() const { return first_block_ + blocks_.size(); }
  std::uint64_t first_held() const { return end_block() - held_.size(); }
  std::uint64_t BlockOf(Mark mark) const;
  std::vector<Mark>::const_iterator MarkOf(const Stream& stream, std::uint64_t number) const;
  absl::Status Load(std::uint64_t block);

  Disk& disk_;
  const EventStoreOptions options_;
  absl::flat_hash_map<CredentialId, Stream> streams_;
  std::deque<BlockPlace> blocks_;       // The last ones are those that are held.
  std::uint64_t first_block_ = 0;       // The number of blocks_.front(), in this process.
  std::deque<FileState> files_;         // The last one is written.
  std::deque<std::uint64_t> left_out_;  // Files before those, in their order.
  std::uint64_t last_file_ = 0;         // The highest number that was used.
  std::uint64_t headless_ = 0;  // The newest file, where it holds something without a header.
  bool sets_aside_ = false;
  std::unique_ptr<File> file_;
  std::vector<std::byte> gathered_;  // A block in the making, its header included.
  HeldBlocks held_;
  absl::Status space_;
  std::int64_t tried_ns_ = INT64_MIN;  // Last, where it was in vain.
  std::uint64_t covered_ = 0;
  std::uint64_t written_covered_ = 0;  // As the last block or file header says.
  std::uint64_t synced_ = 0;
  std::uint64_t newest_sequence_ = 0;
  std::vector<std::byte> loaded_bytes_;
  std::vector<Event> loaded_;  // The events of that block.
  std::uint64_t loaded_block_ = UINT64_MAX;
  absl::Status status_;
  std::vector<std::string> damaged_;
  std::vector<std::string> set_aside_;
};

}  // namespace engine
