#include "tools/feed/pseudonyms.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <tuple>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/check.h"

namespace tools {
namespace {

constexpr std::size_t kKeyBytesMin = 16;
constexpr std::size_t kKeyBytesMax = 4'096;

}  // namespace

absl::StatusOr<PseudonymKey> PseudonymKey::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read the key in ", path));
  PseudonymKey key;
  key.key_.resize(kKeyBytesMax + 1);
  file.read(key.key_.data(), static_cast<std::streamsize>(key.key_.size()));
  key.key_.resize(static_cast<std::size_t>(file.gcount()));
  if (key.key_.size() < kKeyBytesMin || key.key_.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a key has ", kKeyBytesMin, " to ", kKeyBytesMax, " bytes"));
  }
  return key;
}

std::uint64_t PseudonymKey::Hash(char domain, std::uint64_t a, std::uint64_t b,
                                 std::uint64_t c) const {
  std::array<unsigned char, 25> message{static_cast<unsigned char>(domain)};
  std::memcpy(message.data() + 1, &a, 8);
  std::memcpy(message.data() + 9, &b, 8);
  std::memcpy(message.data() + 17, &c, 8);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), message.data(),
             message.size(), hash.data(), &size) != nullptr);
  std::uint64_t first = 0;
  std::memcpy(&first, hash.data(), 8);
  return first;
}

void Pseudonyms::Number() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> order;  // Hash and id.
  order.reserve(numbers_.size());
  for (const auto& [id, unset] : numbers_) order.emplace_back(key_.Hash(domain_, id), id);
  std::ranges::sort(order);
  std::uint64_t next = 0;
  for (const auto& [hash, id] : order) numbers_[id] = ++next;
}

std::uint64_t Pseudonyms::Of(std::uint64_t id) const {
  const auto known = numbers_.find(id);
  if (known != numbers_.end()) return known->second;
  return key_.Hash(domain_, id) | (std::uint64_t{1} << 63);
}

}  // namespace tools
