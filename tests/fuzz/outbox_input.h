// One input of the outbox's fuzzer: the files that a start finds, piece by piece. Checksums keep a
// fuzzer out, so that a piece may say that it is put under a sound one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "engine/outbox/event_block.h"
#include "engine/outbox/event_store.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline EventStoreOptions FuzzOutbox() {
  return {.folder = "shard-0",
          .identity = {.cluster_id = {std::byte{7}}, .shard = 0},
          .file_bytes = kEventBlockBytesMax,
          .bytes_max = UINT64_MAX,
          .keep_ns = INT64_MAX / 2};
}

// Followed by `bytes` bytes, or as many as there are.
struct OutboxPiece {
  enum class Kind : std::uint8_t {
    kFile,    // Another file begins: its header.
    kBlock,   // A block's header, and records, under a sound checksum.
    kFiller,  // Whatever it is.
  };
  // Of a file.
  static constexpr std::uint8_t kIsSealed = 1;  // Magic, checksum, whose it is and its number.
  static constexpr std::uint8_t kSkipsANumber = 2;
  static constexpr std::uint8_t kHasItsPrevious = 4;
  // Of a block.
  static constexpr std::uint8_t kIsElsewhere = 1;  // File and offset as its header says.

  std::uint8_t kind = 0;
  std::uint8_t how = 0;
  std::uint16_t bytes = 0;
};
static_assert(sizeof(OutboxPiece) == 4);

// Writes the files of an input.
class OutboxFiles {
 public:
  static constexpr std::size_t kFilesMax = 6;  // More are slow, and nothing new.

  explicit OutboxFiles(SimDisk& disk) : disk_(disk) {}

  void Write(std::span<const std::byte> input) {
    OutboxPiece piece;
    while (input.size() >= sizeof(piece)) {
      std::memcpy(&piece, input.data(), sizeof(piece));
      input = input.subspan(sizeof(piece));
      const auto bytes = input.first(std::min<std::size_t>(piece.bytes, input.size()));
      input = input.subspan(bytes.size());
      const auto kind = static_cast<OutboxPiece::Kind>(piece.kind % 3);
      const bool begins = kind == OutboxPiece::Kind::kFile && disk_.names().size() < kFilesMax;
      if (begins || file_ == nullptr) {
        BeginFile(piece.how, bytes);
      } else if (kind == OutboxPiece::Kind::kBlock) {
        AppendBlock(piece.how, bytes);
      } else {
        Append(bytes);
      }
    }
  }

 private:
  void BeginFile(std::uint8_t how, std::span<const std::byte> bytes) {
    number_ += (how & OutboxPiece::kSkipsANumber) != 0 ? 2 : 1;
    const auto previous = file_ == nullptr ? 0 : size_;
    auto file = disk_.Create(FuzzOutbox().folder + "/" + OutboxFileName(number_));
    CHECK(file.ok());
    file_ = *std::move(file);
    size_ = 0;
    OutboxFileHeader header;
    std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof(header)));
    if ((how & OutboxPiece::kHasItsPrevious) != 0) header.previous = previous;
    if ((how & OutboxPiece::kIsSealed) != 0) {
      header.format_version = kOutboxFormatVersion;
      header.shard = FuzzOutbox().identity.shard;
      header.cluster_id = FuzzOutbox().identity.cluster_id;
      header.file = number_;
      SealFileHeader(header);
    }
    Append(std::as_bytes(std::span(&header, 1)));
  }

  void AppendBlock(std::uint8_t how, std::span<const std::byte> bytes) {
    EventBlockHeader header;
    std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof(header)));
    if ((how & OutboxPiece::kIsElsewhere) == 0) {
      header.file = number_;
      header.offset = size_;
    }
    std::vector<std::byte> block(bytes.begin(), bytes.end());
    block.resize(std::max(block.size(), sizeof(header)));
    SealBlock(BlockSeed(FuzzOutbox().identity, number_), header, block);
    Append(block);
  }

  void Append(std::span<const std::byte> bytes) {
    CHECK(file_->WriteAt(bytes, size_).ok());
    size_ += bytes.size();
  }

  SimDisk& disk_;
  std::uint64_t number_ = 0;
  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
};

using EventBytes = std::vector<std::byte>;

inline EventBytes BytesOfEvent(const Event& event) {
  EventBytes bytes;
  AppendRecord(event, bytes);
  return bytes;
}

// What the blocks of the files hold, wherever one begins.
class RecordedEvents {
 public:
  explicit RecordedEvents(SimDisk& disk) {
    for (const auto& [path, content] : disk.names()) {
      const auto number = OutboxFileNumber(path.substr(path.rfind('/') + 1));
      CHECK(number.has_value());
      Take(BlockSeed(FuzzOutbox().identity, *number), content->now);
    }
  }
  const std::set<CredentialId>& credentials() const { return credentials_; }
  bool Has(const Event& event) const { return events_.contains(BytesOfEvent(event)); }

 private:
  void Take(std::uint64_t seed, std::span<const std::byte> bytes) {
    for (std::size_t at = sizeof(OutboxFileHeader); at < bytes.size();) {
      EventBlockHeader header;
      const auto block = BlockAt(seed, bytes.subspan(at), header);
      at += std::max<std::size_t>(block.size(), 1);
      if (block.empty()) continue;
      ForEachEvent(block, [this](const Event& event) {
        events_.insert(BytesOfEvent(event));
        credentials_.insert(event.credential);
      });
    }
  }

  std::set<EventBytes> events_;
  std::set<CredentialId> credentials_;
};

using EventsByCredential = std::map<CredentialId, std::vector<EventBytes>>;

// All that the store says that it has: each in its place, and as it was recorded.
inline EventsByCredential AllOf(EventStore& store, const RecordedEvents& recorded) {
  EventsByCredential told;
  std::vector<Event> piece(7);
  for (const CredentialId credential : recorded.credentials()) {
    const EventStore::Kept kept = store.KeptOf(credential);
    CHECK(kept.first <= kept.next);
    for (std::uint64_t number = kept.first; number < kept.next;) {
      const absl::StatusOr<std::size_t> count = store.Read(credential, number, piece);
      CHECK(count.ok() && *count > 0);
      for (std::size_t i = 0; i < *count; ++i, ++number) {
        CHECK(piece[i].credential == credential && piece[i].event_number == number);
        CHECK(recorded.Has(piece[i]));
        told[credential].push_back(BytesOfEvent(piece[i]));
      }
    }
  }
  return told;
}

// Tells each credential one event more, which is kept.
inline void GoOn(EventStore& store, const RecordedEvents& recorded) {
  const std::uint64_t sequence = store.covered() + 1;
  if (sequence > kSequenceMax) return;  // No command has it.
  for (const CredentialId credential : recorded.credentials()) {
    Event event;
    event.type = EventType::kFill;
    event.fill = {};
    event.sequence = sequence;
    event.credential = credential;
    event.event_number = std::max<std::uint64_t>(store.KeptOf(credential).next, 1);
    if (event.event_number == UINT64_MAX) continue;  // No event has it.
    store.Add(event, 1);
    store.Write(1);
    Event read;
    const auto count = store.Read(credential, event.event_number, {&read, 1});
    CHECK(count.ok() && BytesOfEvent(read) == BytesOfEvent(event));
  }
  store.Cover(sequence);
  store.Sync(1);
  CHECK(store.status().ok() && store.synced() == sequence);
}

// Whatever lies there, a start tells what was recorded or nothing, the next start the same, and
// both can go on.
inline void TakeOutbox(std::span<const std::uint8_t> input) {
  SimDisk disk;
  OutboxFiles(disk).Write(std::as_bytes(input));
  const RecordedEvents recorded(disk);
  auto store = EventStore::Open(disk, FuzzOutbox());
  if (!store.ok()) {
    CHECK(absl::IsFailedPrecondition(store.status()));  // Another's, or a newer program's.
    return;
  }
  const EventsByCredential told = AllOf(**store, recorded);
  const std::uint64_t covered = (*store)->covered();
  const std::vector<std::string> damaged = (*store)->damaged();
  store = EventStore::Open(disk, FuzzOutbox());
  CHECK(store.ok() && (*store)->damaged() == damaged);
  CHECK(AllOf(**store, recorded) == told && (*store)->covered() == covered);
  CHECK((*store)->GoOn().ok());
  store = EventStore::Open(disk, FuzzOutbox());
  CHECK(store.ok() && (*store)->damaged().empty());
  CHECK(AllOf(**store, recorded) == told && (*store)->covered() == covered);
  GoOn(**store, recorded);
}

}  // namespace engine
