// Files that a program once wrote, as a test finds them in tests/golden.
#pragma once

#include <cstddef>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/sim_disk.h"

namespace engine {

inline std::vector<std::byte> BytesOfFile(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// A file of shard 0 with these bytes.
inline void PutFile(const std::string& name, const std::vector<std::byte>& bytes, SimDisk& disk) {
  ASSERT_TRUE(disk.CreateFolder("shard-0").ok());
  auto file = disk.Create("shard-0/" + name);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->WriteAt(bytes, 0).ok());
}

}  // namespace engine
