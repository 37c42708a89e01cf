// A disk in memory whose power can be cut before any of its operations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/batch_writer.h"
#include "engine/journal/disk.h"

namespace engine {

// What a power cut leaves of what was written but not synced.
enum class PowerCut : std::uint8_t { kLosesUnsynced, kKeepsUnsynced, kMixesSectors };

class MemoryDisk final : public Disk {
 public:
  struct Content {
    std::vector<std::byte> now;
    std::vector<std::byte> durable;
  };
  using Names = std::map<std::string, std::shared_ptr<Content>>;

  MemoryDisk() = default;

  // `before` as it is found after its power was cut.
  MemoryDisk(const MemoryDisk& before, PowerCut cut, std::uint32_t seed) {
    std::mt19937 random(seed);
    const bool names_kept =
        cut == PowerCut::kKeepsUnsynced || (cut == PowerCut::kMixesSectors && random() % 2 == 0);
    for (const auto& [path, content] : names_kept ? before.names_ : before.durable_names_) {
      auto bytes = cut == PowerCut::kKeepsUnsynced ? content->now : content->durable;
      if (cut == PowerCut::kMixesSectors) MixSectors(content->now, random, bytes);
      names_[path] = std::make_shared<Content>(Content{.now = bytes, .durable = bytes});
    }
    durable_names_ = names_;
  }

  // Every operation from the one with this number on fails.
  void FailFrom(std::uint64_t operation) { fail_from_ = operation; }
  std::uint64_t operations() const { return operations_; }
  void SetFreeBytes(std::uint64_t bytes) { free_bytes_ = bytes; }

  // What a file holds, to be damaged.
  std::vector<std::byte>& Bytes(const std::string& path) { return names_.at(path)->now; }
  const Names& names() const { return names_; }

  absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    std::vector<std::string> names;
    for (const auto& [path, content] : names_) {
      if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1));
    }
    return names;
  }
  absl::Status CreateFolder(const std::string&) override { return absl::OkStatus(); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (absl::Status status = Count(); !status.ok()) return status;
    names_[to] = names_.at(from);
    names_.erase(from);
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    if (absl::Status status = Count(); !status.ok()) return status;
    return names_.erase(path) == 1 ? absl::OkStatus() : absl::NotFoundError(path);
  }
  absl::Status SyncFolder(const std::string&) override {
    if (absl::Status status = Count(); !status.ok()) return status;
    durable_names_ = names_;
    return absl::OkStatus();
  }
  absl::StatusOr<std::uint64_t> FreeBytes(const std::string&) override { return free_bytes_; }

  absl::Status Count() {
    if (operations_++ >= fail_from_) return absl::UnavailableError("the power is cut");
    return absl::OkStatus();
  }
  std::shared_ptr<Content> Find(const std::string& path) {
    const auto found = names_.find(path);
    return found == names_.end() ? nullptr : found->second;
  }

 private:
  static constexpr std::size_t kSectorBytes = 512;

  static void MixSectors(const std::vector<std::byte>& now, std::mt19937& random,
                         std::vector<std::byte>& bytes) {
    bytes.resize(std::max(bytes.size(), now.size()));
    for (std::size_t at = 0; at < now.size(); at += kSectorBytes) {
      if (random() % 2 != 0) continue;
      const std::size_t size = std::min(kSectorBytes, now.size() - at);
      std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(at), size,
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  Names names_;
  Names durable_names_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_from_ = UINT64_MAX;
  std::uint64_t free_bytes_ = UINT64_MAX;
};

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryDisk& disk, std::shared_ptr<MemoryDisk::Content> content)
      : disk_(disk), content_(std::move(content)) {}

  absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) override {
    const std::vector<std::byte>& bytes = content_->now;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }
  absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) override {
    if (absl::Status status = disk_.Count(); !status.ok()) return status;
    std::vector<std::byte>& now = content_->now;
    now.resize(std::max<std::size_t>(now.size(), offset + bytes.size()));
    std::ranges::copy(bytes, now.begin() + static_cast<std::ptrdiff_t>(offset));
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    if (absl::Status status = disk_.Count(); !status.ok()) return status;
    content_->durable = content_->now;
    return absl::OkStatus();
  }
  absl::StatusOr<std::uint64_t> Size() override { return content_->now.size(); }

 private:
  MemoryDisk& disk_;
  std::shared_ptr<MemoryDisk::Content> content_;
};

inline absl::StatusOr<std::unique_ptr<File>> MemoryDisk::OpenForReading(const std::string& path) {
  const std::shared_ptr<Content> content = Find(path);
  if (content == nullptr) return absl::NotFoundError(path);
  return std::make_unique<MemoryFile>(*this, content);
}

inline absl::StatusOr<std::unique_ptr<File>> MemoryDisk::Create(const std::string& path) {
  if (absl::Status status = Count(); !status.ok()) return status;
  names_[path] = std::make_shared<Content>();
  return std::make_unique<MemoryFile>(*this, names_[path]);
}

// A write reaches the disk when its completion is taken; until then a cut may tear it.
class MemoryBatchWriter final : public BatchWriter {
 public:
  explicit MemoryBatchWriter(MemoryDisk& disk) : disk_(disk) {}

  absl::Status Use(const std::string& path) override {
    absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(path);
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
    if (absl::Status status = file_->Sync(); !status.ok()) return status;
    return true;
  }
  int completion_fd() const override { return -1; }
  std::string description() const override { return "memory"; }

 private:
  MemoryDisk& disk_;
  std::unique_ptr<File> file_;
  bool in_flight_ = false;
};

}  // namespace engine
