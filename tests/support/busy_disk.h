// A disk on which something happens while somebody looks at it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"

namespace engine {

// Hands all on, and lets something happen before each operation that looks at the source.
class BusyFile final : public File {
 public:
  BusyFile(std::unique_ptr<File> file, const std::function<void()>& happen)
      : file_(std::move(file)), happen_(happen) {}
  absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) override {
    happen_();
    return file_->ReadAt(into, offset);
  }
  absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) override {
    return file_->WriteAt(bytes, offset);
  }
  absl::Status Sync() override { return file_->Sync(); }
  absl::StatusOr<std::uint64_t> Size() override { return file_->Size(); }

 private:
  std::unique_ptr<File> file_;
  const std::function<void()>& happen_;
};

class BusyDisk : public Disk {
 public:
  BusyDisk(Disk& disk, std::function<void()> happen) : disk_(disk), happen_(std::move(happen)) {}

  absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) override {
    happen_();
    absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(path);
    if (!file.ok()) return file.status();
    return std::make_unique<BusyFile>(*std::move(file), happen_);
  }
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override {
    return disk_.Create(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    happen_();
    return disk_.List(folder);
  }
  absl::Status CreateFolder(const std::string& folder) override {
    return disk_.CreateFolder(folder);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return disk_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return disk_.Remove(path); }
  absl::Status SyncFolder(const std::string& folder) override { return disk_.SyncFolder(folder); }
  absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) override {
    happen_();
    return disk_.TryLock(path);
  }
  absl::StatusOr<std::uint64_t> FreeBytes(const std::string& folder) override {
    return disk_.FreeBytes(folder);
  }

 private:
  Disk& disk_;
  const std::function<void()> happen_;
};

}  // namespace engine
