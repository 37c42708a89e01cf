#include "engine/core/state_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 16;

}  // namespace

StateWriter::StateWriter(Take take) : take_(std::move(take)) { piece_.reserve(kPieceBytes); }

StateWriter::~StateWriter() { CHECK(piece_.empty()); }

void StateWriter::AddBytes(std::span<const std::byte> bytes) {
  if (piece_.size() + bytes.size() > kPieceBytes) Finish();
  if (bytes.size() > kPieceBytes) return take_(bytes);
  piece_.insert(piece_.end(), bytes.begin(), bytes.end());
}

void StateWriter::Finish() {
  if (!piece_.empty()) take_(piece_);
  piece_.clear();
}

std::uint64_t StateReader::ReadCount(std::uint64_t most) {
  const auto count = Read<std::uint64_t>();
  return Require(count <= most, "a count that is larger than it can be") ? count : 0;
}

void StateReader::ReadBytes(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size() && ok()) {
    if (!Require(Fetch(), "an end where more should follow")) break;
    const std::size_t some = std::min(into.size() - done, piece_.size());
    std::memcpy(into.data() + done, piece_.data(), some);
    piece_ = piece_.subspan(some);
    done += some;
    read_ += some;
  }
  if (!ok()) std::memset(into.data(), 0, into.size());
}

bool StateReader::Require(bool is_true, const char* what) {
  if (!is_true && ok()) wrong_ = "byte " + std::to_string(read_) + " of the state: " + what;
  return ok();
}

bool StateReader::AtEnd() { return ok() && !Fetch(); }

// Ensures: there is a byte to read, or false.
bool StateReader::Fetch() {
  if (piece_.empty()) piece_ = give_();
  return !piece_.empty();
}

}  // namespace engine
