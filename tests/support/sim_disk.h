// A simulated disk: what a power cut leaves of it, and which of its operations go wrong.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/journal/disk.h"
#include "engine/journal/posix_error.h"
#include "tests/support/random_source.h"
#include "tests/support/sim_content.h"

namespace engine {

// Each counts as one operation.
enum class DiskCall : std::uint8_t {
  kOpen,
  kCreate,
  kList,
  kCreateFolder,
  kRename,
  kRemove,
  kSyncFolder,
  kFreeBytes,
  kRead,
  kWrite,
  kSync,
  kSize,
  kLock,
};

// What goes wrong, from the operation with the number `at` on.
struct DiskFault {
  enum class Kind : std::uint8_t {
    kFailsOnce,
    kFailsForEver,
    kIsFull,  // Only what needs more space than it has fails.
    // The first write says that it is done, but
    kWritesShort,  // only its beginning was written;
    kMisdirects,   // another place of the file was written;
    kLosesWrite,   // nothing was.
  };

  Kind kind = Kind::kFailsOnce;
  std::uint64_t at = UINT64_MAX;
  int error = EIO;
};

struct FailedCall {
  DiskCall call{};
  std::string path;
};

class SimFile;

class SimLock final : public FileLock {
 public:
  explicit SimLock(std::shared_ptr<bool> locked) : locked_(std::move(locked)) { *locked_ = true; }
  ~SimLock() override { *locked_ = false; }

 private:
  const std::shared_ptr<bool> locked_;
};

class SimDisk final : public Disk {
 public:
  using Names = std::map<std::string, std::shared_ptr<SimContent>>;

  explicit SimDisk(std::uint64_t seed = 1) : random_(seed) {}

  // `before` as it is found after its power was cut, sound again.
  SimDisk(const SimDisk& before, PowerCut cut, std::uint64_t seed) : random_(seed) {
    Names found = cut == PowerCut::kKeepsUnsynced ? before.names_ : before.durable_names_;
    if (cut == PowerCut::kMixesSectors) {
      const std::size_t kept = random_.Below(before.unsynced_names_.size() + 1);
      for (std::size_t i = 0; i < kept; ++i) before.unsynced_names_[i].ApplyTo(found);
    }
    for (const auto& [path, content] : found) {
      if (!before.HasItsFolders(path, found)) continue;
      auto kept = std::make_shared<SimContent>();
      kept->now = content->After(cut, random_);
      kept->durable = kept->now;
      names_[path] = std::move(kept);
    }
    made_folders_ = before.made_folders_;
    durable_names_ = names_;
  }

  // The power is cut before the operation with this number: all from then on fail.
  void CutFrom(std::uint64_t operation) { cut_from_ = operation; }
  void SetFault(const DiskFault& fault) {
    fault_ = fault;
    lied_ = false;
  }
  // No cut and no fault from now on.
  void Heal() {
    cut_from_ = UINT64_MAX;
    SetFault({});
  }
  bool is_cut() const { return operations_ >= cut_from_; }
  std::uint64_t operations() const { return operations_; }
  std::uint64_t changes() const { return changes_; }  // Operations but those that only look.
  const std::vector<FailedCall>& failed() const { return failed_; }
  bool lied() const { return lied_; }

  void SetFreeBytes(std::uint64_t bytes) { free_bytes_ = bytes; }
  void DropCaches() {
    for (const auto& [path, content] : names_) content->DropCache();
  }

  // What a reader finds in a file, to be damaged.
  std::vector<std::byte>& Bytes(const std::string& path) { return names_.at(path)->now; }
  const Names& names() const { return names_; }

  absl::StatusOr<std::unique_ptr<SimFile>> OpenForWriting(const std::string& path);
  absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    if (absl::Status status = Begin(DiskCall::kList, folder); !status.ok()) return status;
    std::vector<std::string> names;
    for (const auto& [path, content] : names_) {
      if (FolderOf(path) == folder) names.push_back(path.substr(folder.size() + 1));
    }
    return names;
  }
  absl::Status CreateFolder(const std::string& folder) override {
    if (absl::Status status = Begin(DiskCall::kCreateFolder, folder, true); !status.ok()) {
      return status;
    }
    if (names_.contains(folder)) return absl::OkStatus();
    made_folders_.insert(folder);
    Change(FolderOf(folder), {{folder, std::make_shared<SimContent>()}});
    return absl::OkStatus();
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (absl::Status status = Begin(DiskCall::kRename, from, true); !status.ok()) return status;
    const auto found = names_.find(from);
    if (found == names_.end()) return absl::NotFoundError(from);
    Change(FolderOf(to), {{to, found->second}, {from, nullptr}});
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    if (absl::Status status = Begin(DiskCall::kRemove, path); !status.ok()) return status;
    if (!names_.contains(path)) return absl::NotFoundError(path);
    Change(FolderOf(path), {{path, nullptr}});
    return absl::OkStatus();
  }
  // One that fails has kept some first changes; the others are never kept, as with files.
  absl::Status SyncFolder(const std::string& folder) override {
    const absl::Status status = Begin(DiskCall::kSyncFolder, folder, true);
    if (!status.ok() && powerless_) return status;
    const std::string named = folder.ends_with("/..") ? FolderOf(FolderOf(folder)) : folder;
    const auto end = std::stable_partition(
        unsynced_names_.begin(), unsynced_names_.end(),
        [&named](const NameChange& change) { return change.folder == named; });
    const auto count = static_cast<std::size_t>(end - unsynced_names_.begin());
    const std::size_t kept = status.ok() ? count : random_.Below(count + 1);
    for (std::size_t i = 0; i < kept; ++i) unsynced_names_[i].ApplyTo(durable_names_);
    unsynced_names_.erase(unsynced_names_.begin(), end);
    return status;
  }
  absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) override {
    if (absl::Status status = Begin(DiskCall::kLock, path); !status.ok()) return status;
    std::shared_ptr<bool>& locked = locks_[path];
    if (locked == nullptr) locked = std::make_shared<bool>(false);
    if (*locked) return absl::AbortedError(path);
    return std::make_unique<SimLock>(locked);
  }
  absl::StatusOr<std::uint64_t> FreeBytes(const std::string& folder) override {
    if (absl::Status status = Begin(DiskCall::kFreeBytes, folder); !status.ok()) return status;
    return free_bytes_;
  }

 private:
  friend class SimFile;

  struct NameChange {
    void ApplyTo(Names& names) const {
      for (const auto& [path, content] : entries) {
        if (content == nullptr) {
          names.erase(path);
        } else {
          names[path] = content;
        }
      }
    }

    std::string folder;
    std::vector<std::pair<std::string, std::shared_ptr<SimContent>>> entries;
  };

  static std::string FolderOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
  }
  // Where folders are made by CreateFolder(), a file is found only through all of its folders.
  bool HasItsFolders(const std::string& path, const Names& found) const {
    for (std::string folder = FolderOf(path); !folder.empty(); folder = FolderOf(folder)) {
      if (made_folders_.contains(folder) && !found.contains(folder)) return false;
    }
    return true;
  }
  void Change(const std::string& folder,
              std::vector<std::pair<std::string, std::shared_ptr<SimContent>>> entries) {
    unsynced_names_.push_back({folder, std::move(entries)});
    unsynced_names_.back().ApplyTo(names_);
  }

  absl::Status Begin(DiskCall call, const std::string& path, bool needs_space = false) {
    const std::uint64_t number = operations_++;
    if (!OnlyLooks(call)) ++changes_;
    powerless_ = number >= cut_from_;
    if (powerless_) return absl::UnavailableError("the power is cut");
    if (!Fails(number, needs_space)) return absl::OkStatus();
    failed_.push_back({call, path});
    return PosixError(absl::StrCat("a simulated fault at ", path),
                      fault_.kind == DiskFault::Kind::kIsFull ? ENOSPC : fault_.error);
  }
  static bool OnlyLooks(DiskCall call) {
    return call == DiskCall::kOpen || call == DiskCall::kList || call == DiskCall::kFreeBytes ||
           call == DiskCall::kRead || call == DiskCall::kSize || call == DiskCall::kLock;
  }
  bool Fails(std::uint64_t number, bool needs_space) const {
    switch (fault_.kind) {
      case DiskFault::Kind::kFailsOnce:
        return number == fault_.at;
      case DiskFault::Kind::kFailsForEver:
        return number >= fault_.at;
      case DiskFault::Kind::kIsFull:
        return number >= fault_.at && needs_space;
      default:
        return false;
    }
  }
  // Whether the write that has just begun is the one that is not done as it says.
  bool Lies() {
    const bool lies =
        fault_.kind >= DiskFault::Kind::kWritesShort && !lied_ && operations_ > fault_.at;
    lied_ = lied_ || lies;
    return lies;
  }

  Names names_;
  Names durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> made_folders_;
  std::map<std::string, std::shared_ptr<bool>> locks_;
  RandomSource random_;
  DiskFault fault_;
  bool lied_ = false;
  bool powerless_ = false;
  std::vector<FailedCall> failed_;
  std::uint64_t operations_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t cut_from_ = UINT64_MAX;
  std::uint64_t free_bytes_ = UINT64_MAX;
};

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::string path, std::shared_ptr<SimContent> content)
      : disk_(disk), path_(std::move(path)), content_(std::move(content)) {}

  absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) override {
    if (absl::Status status = disk_.Begin(DiskCall::kRead, path_); !status.ok()) return status;
    const std::vector<std::byte>& bytes = content_->now;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }
  // One that fails may have written any of its sectors.
  absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) override {
    const bool grows = offset + bytes.size() > content_->now.size();
    absl::Status status = disk_.Begin(DiskCall::kWrite, path_, grows);
    if (status.ok() && disk_.Lies()) {
      WriteOtherwise(bytes, offset);
    } else if (status.ok()) {
      content_->Write(bytes, offset);
    } else if (!disk_.powerless_) {
      WriteSome(bytes, offset);
    }
    return status;
  }
  absl::Status Sync() override { return Sync(false); }
  // `direct`: what is synced was written past the cache.
  absl::Status Sync(bool direct) {
    const bool grew = content_->now.size() > content_->durable.size();
    absl::Status status = disk_.Begin(DiskCall::kSync, path_, grew);
    if (status.ok()) {
      content_->Sync();
    } else if (!disk_.powerless_) {
      content_->FailSync(disk_.random_, direct);
    }
    return status;
  }
  absl::StatusOr<std::uint64_t> Size() override {
    if (absl::Status status = disk_.Begin(DiskCall::kSize, path_); !status.ok()) return status;
    return content_->now.size();
  }

 private:
  static constexpr std::size_t kSectorBytes = SimContent::kSectorBytes;

  void WriteSome(std::span<const std::byte> bytes, std::uint64_t offset) {
    for (std::size_t at = 0; at < bytes.size(); at += kSectorBytes) {
      const std::size_t size = std::min(kSectorBytes, bytes.size() - at);
      if (disk_.random_.Below(2) == 0) content_->Write(bytes.subspan(at, size), offset + at);
    }
  }
  void WriteOtherwise(std::span<const std::byte> bytes, std::uint64_t offset) {
    const std::size_t sectors = (bytes.size() + kSectorBytes - 1) / kSectorBytes;
    if (disk_.fault_.kind == DiskFault::Kind::kWritesShort) {
      content_->Write(bytes.first(disk_.random_.Below(sectors) * kSectorBytes), offset);
    } else if (disk_.fault_.kind == DiskFault::Kind::kMisdirects) {
      // Wherever it fits in, but not where it belongs.
      const std::size_t size = content_->now.size();
      const std::size_t places = size < bytes.size() ? 0 : (size - bytes.size()) / kSectorBytes;
      const std::size_t place = places == 0 ? 0 : disk_.random_.Below(places) * kSectorBytes;
      if (places > 0) content_->Write(bytes, place < offset ? place : place + kSectorBytes);
    }
  }

  SimDisk& disk_;
  const std::string path_;
  std::shared_ptr<SimContent> content_;
};

inline absl::StatusOr<std::unique_ptr<SimFile>> SimDisk::OpenForWriting(const std::string& path) {
  if (absl::Status status = Begin(DiskCall::kOpen, path); !status.ok()) return status;
  const auto found = names_.find(path);
  if (found == names_.end()) return absl::NotFoundError(path);
  return std::make_unique<SimFile>(*this, path, found->second);
}

inline absl::StatusOr<std::unique_ptr<File>> SimDisk::OpenForReading(const std::string& path) {
  return OpenForWriting(path);
}

// Emptying an old file is a new one in its place: until the folder is synced either may be found.
inline absl::StatusOr<std::unique_ptr<File>> SimDisk::Create(const std::string& path) {
  if (absl::Status status = Begin(DiskCall::kCreate, path, true); !status.ok()) return status;
  auto content = std::make_shared<SimContent>();
  Change(FolderOf(path), {{path, content}});
  return std::make_unique<SimFile>(*this, path, std::move(content));
}

}  // namespace engine
