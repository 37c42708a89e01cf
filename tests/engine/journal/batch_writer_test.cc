// The two real ways to write, on real files.
#include "engine/journal/batch_writer.h"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/journal/journal.h"
#include "tests/support/journal_folder.h"
#include "tests/support/journal_records.h"

namespace engine {
namespace {

using testing::HasSubstr;

JournalOptions RealOptions(const std::string& folder) {
  return {.folder = folder,
          .identity = kTestIdentity,
          .segment_bytes = 32 * kBlockBytes,
          .batch_bytes = 8 * kBlockBytes};
}

// Writes records `first` to `last`, seven a batch, so that every writer makes the same batches.
absl::Status WriteScript(const std::string& folder, std::unique_ptr<BatchWriter> writer,
                         std::uint64_t first, std::uint64_t last) {
  const ReadBack read = ReadAll(PosixDisk(), folder);
  if (!read.status.ok()) return read.status;
  auto journal = Journal::Open(PosixDisk(), std::move(writer), RealOptions(folder), read.tail);
  if (!journal.ok()) return journal.status();
  for (std::uint64_t next = first; next <= last; ++next) {
    (*journal)->Append(TestRecord(next, static_cast<std::uint32_t>(next % 90)).view());
    if (next % 7 != 0) continue;
    if (absl::Status status = (*journal)->Settle(); !status.ok()) return status;
  }
  return (*journal)->Settle();
}

std::string Contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void CheckScript(const std::string& folder, std::uint64_t last) {
  const ReadBack read = ReadAll(PosixDisk(), folder);
  ASSERT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.records.size(), last);
  for (std::uint64_t next = 1; next <= last; ++next) {
    ASSERT_EQ(read.records[next - 1],
              TestRecord(next, static_cast<std::uint32_t>(next % 90)).bytes());
  }
}

// Every system call but io_uring_setup works, as in a container.
bool RefuseIoUring() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{.len = static_cast<unsigned short>(std::size(filter)), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What runs in the child; 0 where all is as it should be.
int WriteWithoutIoUring(const std::string& folder) {
  if (!RefuseIoUring()) return 2;
  const auto forced = MakeBatchWriter(folder, WriterChoice::kIoUring);
  if (!absl::IsPermissionDenied(forced.status())) return 3;
  auto writer = MakeBatchWriter(folder, WriterChoice::kAuto);
  if (!writer.ok()) return 4;
  const std::string description = (*writer)->description();
  if (!description.starts_with("posix") || description.find("refused") == std::string::npos) {
    return 5;
  }
  return WriteScript(folder, *std::move(writer), 1, 60).ok() ? 0 : 6;
}

TEST(BatchWriter, FallsBackWhereIoUringIsRefusedAndWritesTheSameBytes) {
  const TemporaryFolder refused;
  const TemporaryFolder allowed;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(WriteWithoutIoUring(refused.path()));
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);

  auto writer = MakeBatchWriter(allowed.path(), WriterChoice::kAuto);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(WriteScript(allowed.path(), *std::move(writer), 1, 60).ok());
  CheckScript(refused.path(), 60);
  int segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(allowed.path())) {
    const std::string name = entry.path().filename();
    if (name.ends_with(kUnfinishedSuffix)) continue;  // May be half made in one of the two.
    const std::filesystem::path twin = std::filesystem::path(refused.path()) / name;
    if (!std::filesystem::exists(twin)) continue;
    EXPECT_TRUE(Contents(entry.path()) == Contents(twin)) << name;
    ++segments;
  }
  EXPECT_GE(segments, 2);
}

class RealWriterTest : public testing::TestWithParam<WriterChoice> {
 protected:
  void SetUp() override {
    auto writer = MakeBatchWriter(folder_.path(), GetParam());
    if (absl::IsPermissionDenied(writer.status()) || absl::IsUnimplemented(writer.status())) {
      GTEST_SKIP() << writer.status();
    }
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
  }

  TemporaryFolder folder_;
  std::unique_ptr<BatchWriter> writer_;
};

TEST_P(RealWriterTest, WritesAJournalOverManySegmentsAndStarts) {
  ASSERT_TRUE(WriteScript(folder_.path(), std::move(writer_), 1, 300).ok());
  CheckScript(folder_.path(), 300);
  auto writer = MakeBatchWriter(folder_.path(), GetParam());
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(WriteScript(folder_.path(), *std::move(writer), 301, 400).ok());
  CheckScript(folder_.path(), 400);
}

TEST_P(RealWriterTest, WakesASleepingOwner) {
  auto journal = Journal::Open(PosixDisk(), std::move(writer_), RealOptions(folder_.path()), {});
  ASSERT_TRUE(journal.ok()) << journal.status();
  (*journal)->Append(TestRecord(1, 1).view());
  ASSERT_TRUE((*journal)->Turn(0).ok());
  pollfd wait{.fd = (*journal)->completion_fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&wait, 1, 20'000), 1);
  (*journal)->ClearCompletionFd();
  EXPECT_EQ(poll(&wait, 1, 0), 0);
  ASSERT_TRUE((*journal)->Turn(1).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 1u);
}

TEST_P(RealWriterTest, ReportsAFailedWriteOnceAndForAll) {
  const std::string path = folder_.path() + "/file";
  std::ofstream(path) << std::string(kBlockBytes, 'x');
  ASSERT_TRUE(writer_->Use(path).ok());
  const AlignedBuffer block(kBlockBytes);
  // Past what any file can hold.
  absl::Status status = writer_->Submit(block.span(), std::uint64_t{1} << 62);
  absl::StatusOr<bool> completed = false;
  while (status.ok() && completed.ok() && !*completed) {
    completed = writer_->Completed();
  }
  EXPECT_FALSE(completed.ok());
  EXPECT_THAT(completed.status().ToString(), HasSubstr(path));
}

TEST_P(RealWriterTest, RefusesAFileThatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(writer_->Use(folder_.path() + "/none")));
}

// So a start that gets one knows that nothing of a process before is still to reach it.
TEST_P(RealWriterTest, RefusesAFileThatAnotherMayStillWriteTo) {
  const std::string path = folder_.path() + "/file";
  std::ofstream(path) << std::string(kBlockBytes, 'x');
  const auto other = MakeBatchWriter(folder_.path(), GetParam());
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(writer_->Use(path).ok());
  EXPECT_TRUE(absl::IsUnavailable((*other)->Use(path)));
  writer_.reset();
  EXPECT_TRUE((*other)->Use(path).ok());
}

INSTANTIATE_TEST_SUITE_P(Ways, RealWriterTest,
                         testing::Values(WriterChoice::kIoUring, WriterChoice::kPosix),
                         [](const auto& test) {
                           return test.param == WriterChoice::kPosix ? "Posix" : "IoUring";
                         });

TEST(BatchWriter, WorksInMemoryFilesystems) {
  if (access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm to write in";
  const TemporaryFolder folder("/dev/shm");
  auto writer = MakeBatchWriter(folder.path(), WriterChoice::kAuto);
  ASSERT_TRUE(writer.ok()) << writer.status();
  const absl::Status status = WriteScript(folder.path(), *std::move(writer), 1, 100);
  ASSERT_TRUE(status.ok()) << status;
  CheckScript(folder.path(), 100);
}

TEST(BatchWriter, WritesThroughTheCacheWhereThereIsNoDirectWay) {
  const TemporaryFolder folder;
  auto writer = MakePosixWriter(false, "the filesystem takes no O_DIRECT");
  ASSERT_TRUE(writer.ok());
  EXPECT_THAT((*writer)->description(), HasSubstr("takes no O_DIRECT"));
  ASSERT_TRUE(WriteScript(folder.path(), *std::move(writer), 1, 100).ok());
  CheckScript(folder.path(), 100);
}

TEST(BatchWriter, NamesTheFolderThatItCannotWriteIn) {
  const auto writer = MakeBatchWriter("/nowhere/at/all", WriterChoice::kAuto);
  EXPECT_THAT(writer.status().ToString(), HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace engine
