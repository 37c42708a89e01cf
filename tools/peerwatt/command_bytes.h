// A command in memory of its own, and an exchange driven by such commands without a journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/core/command.h"

namespace tools {

// Reuses its memory from command to command. A view of it is valid until the next Set.
class CommandBytes {
 public:
  template <typename Body>
  engine::CommandView Set(engine::CommandHeader header, std::span<const Body> bodies) {
    const std::size_t bytes = (bodies.size_bytes() + 7) / 8 * 8;
    words_.assign((sizeof(header) + bytes) / 8, 0);
    header.length = static_cast<std::uint32_t>(sizeof(header) + bytes);
    header.count = static_cast<std::uint32_t>(bodies.size());
    std::memcpy(words_.data(), &header, sizeof(header));
    if (!bodies.empty()) {
      std::memcpy(words_.data() + sizeof(header) / 8, bodies.data(), bodies.size_bytes());
    }
    return engine::CommandView(reinterpret_cast<const engine::CommandHeader*>(words_.data()));
  }
  engine::CommandView Copy(engine::CommandView command) {
    words_.resize(command.bytes().size() / 8);
    std::memcpy(words_.data(), command.bytes().data(), command.bytes().size());
    return engine::CommandView(&header());
  }
  engine::CommandHeader& header() {
    return *reinterpret_cast<engine::CommandHeader*>(words_.data());
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace tools
