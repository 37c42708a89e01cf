// A bounded lock-free queue of commands of any length from one thread to one other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/core/command.h"
#include "engine/runtime/ring_storage.h"
#include "engine/runtime/two_owners.h"

namespace engine {

// The end that writes commands, in place.
//
// Thread: one at a time; holding the end is the right to use it. Cost: Publish is one release
// store; the other end's position is loaded only when the last known one leaves too little room.
class CommandSender {
 public:
  CommandSender(SharedByTwo<RingStorage> storage, std::size_t bytes);

  // Space for one command, in one piece, 8-aligned; nullptr where the ring is full, which a client
  // hears as kBusy. What was claimed and not committed before is forgotten.
  // Requires: length is a multiple of 8, at least a header, at most kCommandBytesMax and half of
  //           the ring.
  // Ensures:  the header is a new one with this length; what follows it is undefined.
  CommandHeader* Claim(std::uint32_t length);

  // The claimed command is complete. Its header's length may be less than was claimed.
  // Requires: Claim() gave space and it was not committed yet.
  void Commit();

  // Makes all that was committed visible to the receiver. The caller then rings its doorbell.
  void Publish() { storage_->published.store(position_, std::memory_order_release); }

 private:
  SharedByTwo<RingStorage> storage_;
  std::byte* memory_;
  std::size_t bytes_;
  std::uint64_t position_ = 0;        // After the last committed command.
  std::uint64_t claimed_ = 0;         // Where the claimed command begins.
  CommandHeader* command_ = nullptr;  // The claimed command.
  std::uint64_t released_ = 0;        // As last seen.
};

// The end that reads commands, in place, in the order in which they were committed.
class CommandReceiver {
 public:
  CommandReceiver(SharedByTwo<RingStorage> storage, std::size_t bytes);

  // The oldest command; nullptr where there is none. Until Release() it belongs to the receiver,
  // who may stamp it where it lies.
  CommandHeader* Front();

  // Goes on to the next command. The last one's bytes stay readable until Release().
  // Requires: Front() is not nullptr.
  void Pop();

  // Gives the space of all popped commands back to the sender. Cost: one release store.
  void Release() { storage_->released.store(position_, std::memory_order_release); }

 private:
  SharedByTwo<RingStorage> storage_;
  std::byte* memory_;
  std::size_t bytes_;
  std::uint64_t position_ = 0;   // Of the next command.
  std::uint64_t published_ = 0;  // As last seen.
};

struct CommandRing {
  CommandSender sender;
  CommandReceiver receiver;
};

// Requires: a power of two, at least twice the longest command that is claimed.
CommandRing MakeCommandRing(std::size_t bytes);

}  // namespace engine
