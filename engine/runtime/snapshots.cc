#include "engine/runtime/snapshots.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace engine {
namespace {

// Ensures: null, and a word in `damaged`, where the snapshot is not whole.
absl::StatusOr<std::unique_ptr<Exchange>> LoadSnapshot(SnapshotReader& reader,
                                                       const std::string& name,
                                                       std::vector<std::string>& damaged) {
  auto exchange = std::make_unique<Exchange>();
  StateReader in([&reader] { return reader.Next(); });
  const bool loaded = exchange->Load(in);
  while (!reader.Next().empty()) continue;  // What is damaged is damaged first of all.
  if (absl::Status status = reader.Check(); !status.ok()) {
    if (!absl::IsDataLoss(status)) return status;
    damaged.emplace_back(status.message());
    return std::unique_ptr<Exchange>();
  }
  if (!loaded || exchange->sequence() != reader.header().sequence) {
    damaged.push_back(
        absl::StrCat(name, ": the bytes are those that were written, but no state: ", in.error()));
    return std::unique_ptr<Exchange>();
  }
  return exchange;
}

}  // namespace

absl::StatusOr<LoadedSnapshot> LoadNewestSnapshot(Disk& disk, const std::string& folder,
                                                  const JournalIdentity& identity) {
  const absl::StatusOr<std::vector<std::uint64_t>> sequences = ListSnapshots(disk, folder);
  if (!sequences.ok()) return sequences.status();
  LoadedSnapshot loaded;
  for (const std::uint64_t sequence : *sequences) {
    auto reader = SnapshotReader::Open(disk, folder, sequence, identity);
    if (!reader.ok()) {
      if (!absl::IsDataLoss(reader.status())) return reader.status();
      loaded.damaged.emplace_back(reader.status().message());
      continue;
    }
    auto exchange = LoadSnapshot(**reader, SnapshotName(sequence), loaded.damaged);
    if (!exchange.ok()) return exchange.status();
    if (*exchange == nullptr) continue;
    loaded.exchange = *std::move(exchange);
    loaded.sequence = sequence;
    return loaded;
  }
  loaded.exchange = std::make_unique<Exchange>();
  return loaded;
}

std::uint64_t StateBytes(const Exchange& exchange) {
  std::uint64_t bytes = 0;
  StateWriter out([&bytes](std::span<const std::byte> piece) { bytes += piece.size(); });
  exchange.Save(out);
  out.Finish();
  return bytes;
}

absl::StatusOr<SnapshotHeader> WriteSnapshot(Disk& disk, const std::string& folder,
                                             const JournalIdentity& identity,
                                             const Exchange& exchange) {
  auto writer =
      SnapshotWriter::Begin(disk, folder, identity, exchange.sequence(), exchange.time_ns());
  if (!writer.ok()) return writer.status();
  StateWriter out([&writer](std::span<const std::byte> bytes) { (*writer)->Add(bytes); });
  exchange.Save(out);
  out.Finish();
  absl::StatusOr<SnapshotHeader> header = (*writer)->Finish();
  if (!header.ok()) return header.status();
  auto reader = SnapshotReader::Open(disk, folder, header->sequence, identity);
  if (!reader.ok()) return reader.status();
  while (!(*reader)->Next().empty()) continue;
  if (absl::Status status = (*reader)->Check(); !status.ok()) return status;
  return header;
}

}  // namespace engine
