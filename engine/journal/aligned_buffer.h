// Zeroed memory on a block boundary, as direct I/O asks for.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "engine/journal/format.h"

namespace engine {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : bytes_(static_cast<std::byte*>(::operator new (size, std::align_val_t{kBlockBytes}))),
        size_(size) {
    std::memset(bytes_.get(), 0, size);
  }

  std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> first(std::size_t count) const { return span().first(count); }
  std::span<std::byte> span() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const {
      ::operator delete (bytes, std::align_val_t{kBlockBytes});
    }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

}  // namespace engine
