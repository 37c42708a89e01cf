#include "engine/runtime/snapshots.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace engine {
namespace {

absl::StatusOr<SnapshotHeader> ReadThrough(Disk& disk, const std::string& folder,
                                           std::uint64_t sequence,
                                           const JournalIdentity& identity) {
  const auto reader = SnapshotReader::Open(disk, folder, sequence, identity);
  if (!reader.ok()) return reader.status();
  while (!(*reader)->Next().empty()) continue;
  if (absl::Status status = (*reader)->Check(); !status.ok()) return status;
  return (*reader)->header();
}

}  // namespace

bool IsDiskFault(const absl::Status& status) {
  return !status.ok() && !absl::IsDataLoss(status) && !absl::IsUnimplemented(status) &&
         !absl::IsNotFound(status) && !absl::IsFailedPrecondition(status);
}

absl::Status CheckSnapshot(Disk& disk, const std::string& folder, std::uint64_t sequence,
                           const JournalIdentity& identity) {
  return ReadThrough(disk, folder, sequence, identity).status();
}

// Reads it through first: what is made of bytes that are not those that were written is of no use.
absl::StatusOr<std::unique_ptr<Exchange>> LoadSnapshot(Disk& disk, const std::string& folder,
                                                       std::uint64_t sequence,
                                                       const JournalIdentity& identity) {
  const auto header = ReadThrough(disk, folder, sequence, identity);
  if (!header.ok()) return header.status();
  const auto reader = SnapshotReader::Open(disk, folder, sequence, identity);
  if (!reader.ok()) return reader.status();
  auto exchange = std::make_unique<Exchange>();
  StateReader in([&reader] { return (*reader)->Next(); });
  const bool is_state = exchange->Load(in) && exchange->sequence() == sequence;
  if (!(*reader)->status().ok()) return (*reader)->status();
  if (!is_state) {
    return absl::DataLossError(absl::StrCat(SnapshotName(sequence), ": no state, though its bytes ",
                                            "are those that were written: ", in.error()));
  }
  if (absl::Status status = (*reader)->Check(); !status.ok()) return status;
  if (exchange->StateDigest() == header->digest) return exchange;
  return absl::DataLossError(absl::StrCat(SnapshotName(sequence), ": what is loaded from it has ",
                                          "another digest: ", ToHex(exchange->StateDigest())));
}

absl::StatusOr<LoadedSnapshot> LoadNewestSnapshot(Disk& disk, const std::string& folder,
                                                  const JournalIdentity& identity,
                                                  std::uint64_t before_sequence) {
  const absl::StatusOr<std::vector<std::uint64_t>> sequences = ListSnapshots(disk, folder);
  if (!sequences.ok()) return sequences.status();
  LoadedSnapshot loaded;
  absl::Status unreadable;
  for (const std::uint64_t sequence : *sequences) {
    if (sequence >= before_sequence) continue;
    if (loaded.exchange != nullptr) {
      loaded.older_sequence = sequence;
      return loaded;
    }
    auto exchange = LoadSnapshot(disk, folder, sequence, identity);
    if (exchange.ok()) {
      loaded.exchange = *std::move(exchange);
      loaded.sequence = sequence;
      continue;
    }
    if (absl::IsFailedPrecondition(exchange.status())) return exchange.status();
    if (IsDiskFault(exchange.status())) unreadable = exchange.status();
    loaded.damaged.emplace_back(exchange.status().message());
  }
  if (loaded.exchange != nullptr) return loaded;
  if (!unreadable.ok()) return unreadable;
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
  absl::Status read_back = CheckSnapshot(disk, folder, header->sequence, identity);
  if (!read_back.ok()) {
    disk.Remove(absl::StrCat(folder, "/", SnapshotName(header->sequence))).IgnoreError();
    return read_back;
  }
  return header;
}

}  // namespace engine
