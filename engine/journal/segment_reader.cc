#include "engine/journal/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{1} << 20;

}  // namespace

absl::StatusOr<std::span<const std::byte>> SegmentReader::View(std::uint64_t offset,
                                                               std::size_t size) {
  CHECK(offset % kBlockBytes == 0 && size <= bytes_ && offset <= bytes_ - size);
  if (offset < begin_ || offset + size > begin_ + filled_) {
    if (window_.size() < size) {
      window_ = AlignedBuffer(std::max<std::size_t>(
          size, static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, bytes_))));
    }
    filled_ = 0;
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), bytes_ - offset));
    const absl::StatusOr<std::size_t> count = file_->ReadAt(window_.first(wanted), offset);
    if (!count.ok()) return count.status();
    std::memset(window_.data() + *count, 0, wanted - *count);
    begin_ = offset;
    filled_ = wanted;
  }
  return window_.span().subspan(static_cast<std::size_t>(offset - begin_), size);
}

}  // namespace engine
