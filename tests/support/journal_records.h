// Records, journals in memory and what is read back of them, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/command.h"
#include "engine/journal/journal.h"
#include "engine/journal/reader.h"
#include "tests/support/sim_batch_writer.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr JournalIdentity kTestIdentity{.cluster_id = {std::byte{7}, std::byte{1}},
                                               .shard = 0};

// A submission of `orders` orders; equal arguments make equal bytes.
class TestRecord {
 public:
  TestRecord(std::uint64_t sequence, std::uint32_t orders, std::uint32_t salt = 1) {
    const std::size_t length = sizeof(CommandHeader) + orders * sizeof(OrderBody);
    words_.resize(length / 8);
    const CommandHeader header{.sequence = sequence,
                               .time_ns = static_cast<std::int64_t>(1'000 * sequence),
                               .client_seq = salt,
                               .credential = CredentialId{9},
                               .length = static_cast<std::uint32_t>(length),
                               .type = CommandType::kSubmitOrders,
                               .version = kCommandVersion,
                               .count = orders};
    std::memcpy(words_.data(), &header, sizeof(header));
    for (std::size_t i = sizeof(CommandHeader) / 8; i < words_.size(); ++i) {
      words_[i] = (sequence * 1'000'003 + i) * 0x9E3779B97F4A7C15u + salt;
    }
  }

  CommandView view() const {
    return CommandView(reinterpret_cast<const CommandHeader*>(words_.data()));
  }
  std::vector<std::byte> bytes() const {
    const auto bytes = std::as_bytes(std::span(words_));
    return {bytes.begin(), bytes.end()};
  }
  CommandHeader& header() { return *reinterpret_cast<CommandHeader*>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

using RecordBytes = std::vector<std::vector<std::byte>>;

// What a reader finds in "shard-0".
struct ReadBack {
  absl::Status status;
  RecordBytes records;
  JournalTail tail;
};

inline ReadBack ReadAll(Disk& disk, const std::string& folder = "shard-0") {
  ReadBack result;
  const absl::StatusOr<JournalTail> tail =
      Recover(disk, {.folder = folder, .identity = kTestIdentity}, [&](CommandView command) {
        result.records.emplace_back(command.bytes().begin(), command.bytes().end());
        return absl::OkStatus();
      });
  result.status = tail.status();
  if (tail.ok()) result.tail = *tail;
  return result;
}

inline JournalOptions SmallJournal() {
  return {.folder = "shard-0",
          .identity = kTestIdentity,
          .segment_bytes = 8 * kBlockBytes,
          .batch_bytes = 3 * kBlockBytes,
          .make_segments_in_thread = false};
}

inline absl::StatusOr<std::unique_ptr<Journal>> OpenInMemory(
    SimDisk& disk, const JournalTail& tail, JournalOptions options = SmallJournal()) {
  return Journal::Open(disk, std::make_unique<SimBatchWriter>(disk), std::move(options), tail);
}

// Appends `records` as one batch and turns until it is on disk, but no further.
inline void WriteBatch(Journal& journal, const std::vector<TestRecord>& records) {
  for (const TestRecord& record : records) journal.Append(record.view());
  while (journal.durable_sequence() != journal.appended_sequence()) {
    ASSERT_TRUE(journal.Turn(0).ok());
  }
}

}  // namespace engine
