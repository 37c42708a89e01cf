// Numbers for people and devices from which nobody without the key finds the old ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace tools {

// A secret for a keyed hash, HMAC-SHA256. Thread: any.
class PseudonymKey {
 public:
  // The bytes of the file are the key. Ensures: an error on fewer than 16 or more than 4,096.
  static absl::StatusOr<PseudonymKey> Read(const std::string& path);

  // The first 64 bits of the hash; `domain` keeps numbers of different kinds apart.
  std::uint64_t Hash(char domain, std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) const;

 private:
  std::string key_;
};

// Renumbers the ids of one kind from 1, in the order of their hashes: the same key gives the same
// set of ids the same numbers, and their old order is gone.
class Pseudonyms {
 public:
  Pseudonyms(const PseudonymKey& key, char domain) : key_(key), domain_(domain) {}

  void Add(std::uint64_t id) { numbers_.try_emplace(id, 0); }

  // Gives the numbers out. Nothing is added after it.
  void Number();

  // Requires: Number() was called. Ensures: an id never added keeps away from the numbers: its
  // hash, at least 2^63.
  std::uint64_t Of(std::uint64_t id) const;

 private:
  const PseudonymKey& key_;
  const char domain_;
  absl::flat_hash_map<std::uint64_t, std::uint64_t> numbers_;
};

}  // namespace tools
