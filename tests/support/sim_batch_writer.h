// Writes batches to a simulated disk, each on disk when its completion is taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine/journal/batch_writer.h"
#include "tests/support/sim_disk.h"

namespace engine {

// Past the cache, as on disks, or through it, as where the filesystem has no O_DIRECT.
enum class WriterWay : std::uint8_t { kDirect, kCached };

// Until the completion is taken a cut may tear the write.
class SimBatchWriter final : public BatchWriter {
 public:
  explicit SimBatchWriter(SimDisk& disk, WriterWay way = WriterWay::kDirect)
      : disk_(disk), way_(way) {}

  absl::Status Use(const std::string& path) override {
    absl::StatusOr<std::unique_ptr<SimFile>> file = disk_.OpenForWriting(path);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    return absl::OkStatus();
  }
  absl::Status Submit(std::span<const std::byte> bytes, std::uint64_t offset) override {
    in_flight_ = true;
    return file_->WriteAt(bytes, offset);
  }
  absl::StatusOr<bool> Completed() override {
    if (!in_flight_) return false;
    in_flight_ = false;
    if (absl::Status status = file_->Sync(way_ == WriterWay::kDirect); !status.ok()) return status;
    return true;
  }
  int completion_fd() const override { return -1; }
  std::string description() const override { return "simulated"; }

 private:
  SimDisk& disk_;
  const WriterWay way_;
  std::unique_ptr<SimFile> file_;
  bool in_flight_ = false;
};

}  // namespace engine
