// One input of the fuzzer of the tool's files: any bytes, taken as a CSV of orders, of readings and
// as a feed. CSVs may be gzipped.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/command.h"
#include "engine/journal/file_descriptor.h"
#include "tools/feed/feed_file.h"
#include "tools/peerwatt/orders_file.h"
#include "tools/peerwatt/readings_file.h"

namespace tools {

// A file in memory, under a path of its own.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes)
      : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    CHECK(fd_.valid());
    CHECK(write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_.get()); }

 private:
  engine::FileDescriptor fd_;
};

// A refusal names the file; what is taken is what the files may hold.
inline void TakeFile(std::span<const std::uint8_t> input) {
  const MemoryFile file(input);
  const auto named = [&](const absl::Status& status) {
    return status.ok() || status.message().find(file.path()) != std::string_view::npos;
  };
  const auto orders = ReadOrdersFile(file.path());
  CHECK(named(orders.status()));
  if (orders.ok()) {
    for (const FileOrder& order : orders->orders) {
      CHECK(order.account < orders->party_of.size());
      CHECK(order.price_ticks >= orders->lowest_ticks);
      CHECK(order.price_ticks <= orders->highest_ticks);
    }
  }
  CHECK(named(ReadReadingsFile(file.path()).status()));
  auto feed = FeedReader::Open(file.path());
  CHECK(named(feed.status()));
  std::uint64_t sequence = 0;
  while (feed.ok()) {
    const auto record = feed->Next();
    CHECK(named(record.status()));
    if (!record.ok() || !*record) break;
    CHECK((*record)->header().sequence == ++sequence);
  }
}

}  // namespace tools
