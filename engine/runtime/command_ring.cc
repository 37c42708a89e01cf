#include "engine/runtime/command_ring.h"

#include <bit>
#include <cstring>
#include <new>

namespace engine {
namespace {

// Begins a filler that reaches to the end of the memory, where the next command did not fit. It
// stands where a command has its sequence, and none has this one.
constexpr std::uint64_t kFiller = UINT64_MAX;
static_assert(kFiller > kSequenceMax && offsetof(CommandHeader, sequence) == 0);

}  // namespace

CommandSender::CommandSender(SharedByTwo<RingStorage> storage, std::size_t bytes)
    : storage_(std::move(storage)), memory_(storage_->memory()), bytes_(bytes) {}

CommandHeader* CommandSender::Claim(std::uint32_t length) {
  CHECK(length >= sizeof(CommandHeader) && length % 8 == 0);
  CHECK(length <= kCommandBytesMax && length <= bytes_ / 2);
  const std::size_t to_end = bytes_ - (position_ & (bytes_ - 1));
  const std::size_t filler = length <= to_end ? 0 : to_end;
  command_ = nullptr;
  if (bytes_ - (position_ - released_) < filler + length) {
    released_ = storage_->released.load(std::memory_order_acquire);
    if (bytes_ - (position_ - released_) < filler + length) return nullptr;
  }
  if (filler != 0) {
    std::memcpy(memory_ + (position_ & (bytes_ - 1)), &kFiller, sizeof(kFiller));
  }
  claimed_ = position_ + filler;
  command_ = ::new (memory_ + (claimed_ & (bytes_ - 1))) CommandHeader;
  command_->length = length;
  return command_;
}

void CommandSender::Commit() {
  CHECK(command_ != nullptr && command_->length % 8 == 0);
  position_ = claimed_ + command_->length;
  command_ = nullptr;
}

CommandReceiver::CommandReceiver(SharedByTwo<RingStorage> storage, std::size_t bytes)
    : storage_(std::move(storage)), memory_(storage_->memory()), bytes_(bytes) {}

CommandHeader* CommandReceiver::Front() {
  if (position_ == published_) {
    published_ = storage_->published.load(std::memory_order_acquire);
    if (position_ == published_) return nullptr;
  }
  std::size_t place = position_ & (bytes_ - 1);
  std::uint64_t first = 0;
  std::memcpy(&first, memory_ + place, sizeof(first));
  if (first == kFiller) {  // Never published without the command behind it.
    position_ += bytes_ - place;
    place = 0;
  }
  return std::launder(reinterpret_cast<CommandHeader*>(memory_ + place));
}

void CommandReceiver::Pop() { position_ += Front()->length; }

CommandRing MakeCommandRing(std::size_t bytes) {
  CHECK(std::has_single_bit(bytes) && bytes >= 2 * sizeof(CommandHeader));
  auto [mine, yours] = SharedByTwo<RingStorage>::Make(bytes);
  return {CommandSender(std::move(mine), bytes), CommandReceiver(std::move(yours), bytes)};
}

}  // namespace engine
