// One input of the journal reader's fuzzer. Checksums keep a fuzzer out, so that some inputs are
// put under sound ones: as what follows a segment's header, or as the records of a batch. What is
// read is written as the tool does, and so are bytes as an act that no reader has looked at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/core/act.h"
#include "engine/core/check.h"
#include "engine/journal/format.h"
#include "engine/journal/reader.h"
#include "tests/support/sim_disk.h"
#include "tools/peerwatt/journal_text.h"

namespace engine {

inline constexpr JournalIdentity kFuzzIdentity{.cluster_id = {std::byte{7}}, .shard = 0};

// A segment whose only batch has these records, so many of them as it says.
inline std::vector<std::byte> SegmentWithRecords(std::uint32_t count,
                                                 std::span<const std::byte> records) {
  const auto bytes = static_cast<std::uint32_t>(sizeof(BatchHeader) + records.size());
  std::vector<std::byte> segment(kBlockBytes + RoundUpToBlock(bytes));
  const std::span<std::byte> all(segment);
  WriteSegmentHeader(kFuzzIdentity, 1, 1, segment.size(), all.first(kBlockBytes));
  const std::span<std::byte> batch = all.subspan(kBlockBytes);
  std::ranges::copy(records, batch.begin() + sizeof(BatchHeader));
  SealBatch(ChecksumSeed(kFuzzIdentity, 1),
            {.segment = 1, .first_sequence = 1, .records = count, .bytes = bytes}, batch);
  return segment;
}

inline std::vector<std::byte> SegmentWithBlocks(std::span<const std::byte> blocks) {
  std::vector<std::byte> segment(kBlockBytes + RoundUpToBlock(blocks.size()));
  WriteSegmentHeader(kFuzzIdentity, 1, 1, segment.size(),
                     std::span<std::byte>(segment).first(kBlockBytes));
  std::ranges::copy(blocks, segment.begin() + kBlockBytes);
  return segment;
}

// Nothing that is written commands a terminal.
inline void WriteRecord(CommandView record) {
  std::ostringstream out;
  const DefinitionView definitions(record);
  if (definitions.act() != nullptr) tools::WriteActor(*definitions.act(), out);
  tools::WriteDefinitions(definitions, out);
  tools::WriteActRows(record, out);
  CHECK(std::ranges::none_of(out.str(), [](char letter) {
    return (letter >= 0 && letter < ' ' && letter != '\n') || letter == '\x7F';
  }));
}

// An act with these bytes as its body, and as many definitions of `bytes_each` as fill it.
inline void TakeAct(std::span<const std::byte> body, std::size_t bytes_each) {
  std::vector<std::uint64_t> words(sizeof(CommandHeader) / 8 + body.size() / 8);
  CommandHeader header;
  header.type = CommandType::kAct;
  header.length = static_cast<std::uint32_t>(words.size() * 8);
  const std::size_t rest = header.length - sizeof(header);
  if (rest > sizeof(ActBody)) {
    header.count = static_cast<std::uint32_t>((rest - sizeof(ActBody)) / bytes_each);
  }
  std::memcpy(words.data(), &header, sizeof(header));
  if (rest > 0) std::memcpy(words.data() + sizeof(header) / 8, body.data(), rest);
  WriteRecord(CommandView(reinterpret_cast<const CommandHeader*>(words.data())));
}

// What is read is in order and as long as it says.
inline void ReadSegment(const std::vector<std::byte>& segment, bool being_written) {
  SimDisk disk;
  CHECK(disk.CreateFolder("shard-0").ok());
  auto file = disk.Create("shard-0/" + SegmentName(1));
  CHECK(file.ok() && (*file)->WriteAt(segment, 0).ok());
  std::uint64_t sequence = 0;
  std::int64_t time_ns = INT64_MIN;
  const auto tail = Recover(disk, {.folder = "shard-0", .being_written = being_written},
                            [&](CommandView command) {
                              const CommandHeader& header = command.header();
                              CHECK(sequence == 0 || header.sequence == sequence + 1);
                              CHECK(header.time_ns >= time_ns && !IsQuery(header.type));
                              CHECK(command.bytes().size() == header.length);
                              WriteRecord(command);
                              sequence = header.sequence;
                              time_ns = header.time_ns;
                              return absl::OkStatus();
                            });
  CHECK(!tail.ok() || sequence == 0 || tail->next_sequence == sequence + 1);
}

// The first byte says what the others are.
inline void TakeJournal(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::uint8_t kind = input[0];
  const std::span<const std::byte> bytes = std::as_bytes(input.subspan(1));
  const bool being_written = kind % 2 == 1;
  constexpr std::size_t kBytesEach[] = {sizeof(MarketDefinition), sizeof(MeteringPointBody),
                                        sizeof(AccountBody), sizeof(CredentialBody),
                                        sizeof(CertificateBody)};
  switch (kind / 2 % 4) {
    case 0:
      ReadSegment({bytes.begin(), bytes.end()}, being_written);
      break;
    case 1:
      ReadSegment(SegmentWithBlocks(bytes), being_written);
      break;
    case 2:
      if (bytes.size() > kBatchBytesMax - sizeof(BatchHeader)) return;
      ReadSegment(SegmentWithRecords(1 + kind / 8, bytes), being_written);
      break;
    default:
      if (bytes.size() <= kCommandBytesMax) TakeAct(bytes, kBytesEach[kind / 8 % 5]);
  }
}

}  // namespace engine
