// How many bytes a second reach the disk by group commit, one batch at a time, by bytes of a batch;
// and by bare writes of as many bytes into a file that is there already.
// In the current folder, so run it on the disk in question.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "engine/core/check.h"
#include "engine/core/command.h"
#include "engine/journal/journal.h"

namespace engine {
namespace {

constexpr std::uint64_t kFolderBytesMax = std::uint64_t{512} << 20;  // Then a fresh one.
constexpr std::uint32_t kOrders = 25;                                // A record.
constexpr std::size_t kRecordBytes = sizeof(CommandHeader) + kOrders * sizeof(OrderBody);

void CheckOk(const absl::Status& status) { CHECK(status.ok()); }

class BenchFolder {
 public:
  BenchFolder() : path_(std::filesystem::current_path() / ("journal_bench." + Number())) {
    std::filesystem::create_directory(path_);
  }
  ~BenchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  std::string path() const { return path_.string(); }

 private:
  static std::string Number() { return std::to_string(getpid()); }

  std::filesystem::path path_;
};

// A journal of its own folder, and the records that fill its batches.
class BenchJournal {
 public:
  explicit BenchJournal(WriterChoice choice) : record_(kRecordBytes / 8) {
    auto writer = MakeBatchWriter(folder_.path(), choice);
    if (!writer.ok()) {
      error_ = std::string(writer.status().message());
      return;
    }
    description_ = (*writer)->description();
    auto journal = Journal::Open(
        PosixDisk(), *std::move(writer),
        {.folder = folder_.path(), .identity = {}, .batch_bytes = kBatchBytesMax}, {});
    CHECK(journal.ok());
    journal_ = *std::move(journal);
    header() = {.length = static_cast<std::uint32_t>(kRecordBytes),
                .type = CommandType::kSubmitOrders,
                .count = kOrders};
  }

  // A batch of `bytes` in the file, from its records to its completion.
  void Commit(std::uint64_t bytes) {
    for (std::uint64_t filled = sizeof(BatchHeader); filled + kRecordBytes <= bytes;
         filled += kRecordBytes) {
      header().sequence = journal_->appended_sequence() + 1;
      journal_->Append(CommandView(&header()));
    }
    CheckOk(journal_->Turn(0));
    while (journal_->durable_sequence() != journal_->appended_sequence()) {
      Sleep();
      CheckOk(journal_->Turn(0));
    }
  }

  bool Used() const { return journal_->bytes_written() >= kFolderBytesMax; }
  const std::string& error() const { return error_; }
  const std::string& description() const { return description_; }

 private:
  // Until a completion, as a shard does; a batch may also wait for a segment.
  void Sleep() {
    pollfd wait{.fd = journal_->completion_fd(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, 1);
    if (wait.revents != 0) journal_->ClearCompletionFd();
  }

  CommandHeader& header() { return *reinterpret_cast<CommandHeader*>(record_.data()); }

  BenchFolder folder_;
  std::vector<std::uint64_t> record_;
  std::string error_;
  std::string description_;
  std::unique_ptr<Journal> journal_;
};

void Run(benchmark::State& state, WriterChoice choice) {
  const auto bytes = static_cast<std::uint64_t>(state.range(0));
  auto journal = std::make_unique<BenchJournal>(choice);
  if (!journal->error().empty()) {
    state.SkipWithError(journal->error().c_str());
    return;
  }
  for (auto _ : state) {
    journal->Commit(bytes);
    if (!journal->Used()) continue;
    state.PauseTiming();
    journal.reset();
    journal = std::make_unique<BenchJournal>(choice);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetLabel(journal->description());
}

void BM_Journal(benchmark::State& state) { Run(state, WriterChoice::kAuto); }
void BM_JournalPosix(benchmark::State& state) { Run(state, WriterChoice::kPosix); }

// A file of one segment's size, written before, for writes round and round.
class BareFile {
 public:
  BareFile() : piece_(std::size_t{1} << 20) {
    const std::string path = folder_.path() + "/file";
    constexpr int kFlags = O_RDWR | O_CREAT | O_DSYNC | O_CLOEXEC;
    fd_ = FileDescriptor(open(path.c_str(), kFlags | O_DIRECT, 0600));
    direct_ = fd_.valid();
    if (!direct_) fd_ = FileDescriptor(open(path.c_str(), kFlags, 0600));
    for (std::uint64_t at = 0; at < kSegmentBytesDefault; at += piece_.size()) {
      Write(piece_.size(), at);
    }
  }

  void Write(std::size_t bytes, std::uint64_t offset) {
    const ssize_t count = pwrite(fd_.get(), piece_.data(), bytes, static_cast<off_t>(offset));
    CheckOk(count == static_cast<ssize_t>(bytes) ? absl::OkStatus()
                                                 : absl::DataLossError("pwrite"));
  }

  bool direct() const { return direct_; }

 private:
  BenchFolder folder_;
  AlignedBuffer piece_;
  FileDescriptor fd_;
  bool direct_ = false;
};

void BM_BareWrite(benchmark::State& state) {
  BareFile file;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::uint64_t offset = 0;
  for (auto _ : state) {
    if (offset + bytes > kSegmentBytesDefault) offset = 0;
    file.Write(bytes, offset);
    offset += bytes;
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetLabel(file.direct() ? "O_DIRECT|O_DSYNC" : "O_DSYNC");
}

BENCHMARK(BM_Journal)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->UseRealTime();
BENCHMARK(BM_JournalPosix)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->UseRealTime();
BENCHMARK(BM_BareWrite)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->UseRealTime();

}  // namespace
}  // namespace engine
