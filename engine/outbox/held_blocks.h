// Blocks of events that are to be written, in their order: one as a rule, more while the disk is
// full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace engine {

struct HeldBlock {
  std::vector<std::byte> bytes;  // Room for its header, then its records.
  std::uint64_t covered = 0;     // As its header is to say, and when it was made.
  std::int64_t written_ns = 0;
};

class HeldBlocks {
 public:
  void Add(std::span<const std::byte> block, std::uint64_t covered, std::int64_t now_ns) {
    // A copy, which takes no more room than it must: many may be small.
    blocks_.push_back({.bytes = std::vector<std::byte>(block.begin(), block.end()),
                       .covered = covered,
                       .written_ns = now_ns});
    bytes_ += BytesOf(blocks_.back());
  }
  HeldBlock& front() { return blocks_.front(); }
  void RemoveFront() {
    bytes_ -= BytesOf(blocks_.front());
    blocks_.pop_front();
  }
  void Clear() {
    blocks_.clear();
    bytes_ = 0;
  }

  bool empty() const { return blocks_.empty(); }
  std::size_t size() const { return blocks_.size(); }
  const HeldBlock& operator[](std::size_t index) const { return blocks_[index]; }
  std::uint64_t bytes() const { return bytes_; }  // Of memory.

 private:
  static std::uint64_t BytesOf(const HeldBlock& block) {
    return sizeof(block) + block.bytes.size();
  }

  std::deque<HeldBlock> blocks_;
  std::uint64_t bytes_ = 0;
};

}  // namespace engine
