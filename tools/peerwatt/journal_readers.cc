#include "tools/peerwatt/journal_readers.h"

#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/disk.h"
#include "engine/journal/file_descriptor.h"
#include "engine/journal/posix_error.h"
#include "engine/journal/reader.h"
#include "engine/journal/registered_readers.h"

namespace tools {
namespace {

using engine::RegisteredReader;

// A shard's journal and its readers.
class ReaderDesk {
 public:
  static absl::StatusOr<ReaderDesk> Look(const std::string& data_directory) {
    const auto cluster = engine::DataDirectory::Read(engine::PosixDisk(), data_directory);
    if (!cluster.ok()) return cluster.status();
    ReaderDesk desk;
    desk.journal_ = {.folder = engine::FolderOfShard(data_directory, 0),
                     .identity = engine::JournalIdentity{cluster->cluster_id, 0},
                     .being_written = true};
    return desk;
  }
  // No other process changes them while this lives, and the daemon removes no segment.
  static absl::StatusOr<ReaderDesk> Open(const std::string& data_directory) {
    absl::StatusOr<ReaderDesk> desk = Look(data_directory);
    if (!desk.ok()) return desk;
    const std::string path = engine::ReadersLock(desk->folder());
    desk->lock_ = engine::FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!desk->lock_.valid() || ::flock(desk->lock_.get(), LOCK_EX) != 0) {
      return engine::PosixError(absl::StrCat("cannot lock ", path));
    }
    return desk;
  }

  const std::string& folder() const { return journal_.folder; }

  absl::StatusOr<std::vector<RegisteredReader>> List() const {
    return engine::ListReaders(engine::PosixDisk(), folder());
  }
  absl::Status Write(const RegisteredReader& reader) const {
    return engine::WriteReader(engine::PosixDisk(), folder(), reader);
  }
  absl::StatusOr<engine::JournalBeginning> Beginning() const {
    return engine::ReadBeginning(engine::PosixDisk(), folder(), journal_.identity);
  }

  // The sequence of the last record. Reads the last segment only.
  absl::StatusOr<std::uint64_t> End() const {
    engine::ReadOptions options = journal_;
    options.from_sequence = engine::kFromTheBeginning;
    const auto all = engine::JournalReader::Open(engine::PosixDisk(), options);
    if (!all.ok()) return all.status();
    options.from_sequence = (*all)->newest_first();
    const auto tail = engine::Recover(engine::PosixDisk(), options,
                                      [](engine::CommandView) { return absl::OkStatus(); });
    if (!tail.ok()) return tail.status();
    return tail->next_sequence - 1;
  }

 private:
  ReaderDesk() = default;

  engine::ReadOptions journal_;
  engine::FileDescriptor lock_;
};

absl::Status CheckName(const std::string& name) {
  if (engine::IsReaderName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": allowed is a name of 1 to 32 of a-z, 0-9 and -, that does not begin with -"));
}

absl::StatusOr<RegisteredReader> Find(const ReaderDesk& desk, const std::string& name) {
  const absl::StatusOr<std::vector<RegisteredReader>> readers = desk.List();
  if (!readers.ok()) return readers.status();
  for (const RegisteredReader& reader : *readers) {
    if (reader.name == name) return reader;
  }
  return absl::NotFoundError(absl::StrCat(name, " is not a registered reader of ", desk.folder()));
}

}  // namespace

absl::Status ListJournalReaders(const std::string& data_directory, std::ostream& out) {
  const absl::StatusOr<ReaderDesk> desk = ReaderDesk::Look(data_directory);
  if (!desk.ok()) return desk.status();
  const absl::StatusOr<std::vector<RegisteredReader>> readers = desk->List();
  if (!readers.ok()) return readers.status();
  const absl::StatusOr<std::uint64_t> end = desk->End();
  if (!end.ok()) return end.status();
  const absl::StatusOr<engine::JournalBeginning> beginning = desk->Beginning();
  if (!beginning.ok()) return beginning.status();
  out << "journal begins=" << beginning->sequence << " ends=" << *end << "\n";
  for (const RegisteredReader& reader : *readers) {
    out << "reader=" << reader.name << " passed=" << reader.passed << "\n";
  }
  return absl::OkStatus();
}

absl::Status AddJournalReader(const std::string& data_directory, const std::string& name,
                              std::ostream& out) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const absl::StatusOr<ReaderDesk> desk = ReaderDesk::Open(data_directory);
  if (!desk.ok()) return desk.status();
  const absl::StatusOr<RegisteredReader> known = Find(*desk, name);
  if (known.ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat(name, " is registered already, and has passed ", "sequence ", known->passed));
  }
  if (!absl::IsNotFound(known.status())) return known.status();
  const absl::StatusOr<engine::JournalBeginning> beginning = desk->Beginning();
  if (!beginning.ok()) return beginning.status();
  const RegisteredReader reader{.name = name, .passed = beginning->sequence - 1};
  if (absl::Status status = desk->Write(reader); !status.ok()) return status;
  out << "reader=" << name << " passed=" << reader.passed << "\n";
  return absl::OkStatus();
}

absl::Status PassJournalReader(const std::string& data_directory, const std::string& name,
                               std::uint64_t sequence, std::ostream& out) {
  const absl::StatusOr<ReaderDesk> desk = ReaderDesk::Open(data_directory);
  if (!desk.ok()) return desk.status();
  absl::StatusOr<RegisteredReader> reader = Find(*desk, name);
  if (!reader.ok()) return reader.status();
  if (sequence < reader->passed) {
    return absl::FailedPreconditionError(absl::StrCat(name, " has passed sequence ", reader->passed,
                                                      " already: what it needs no more may be ",
                                                      "gone, so it cannot go back to ", sequence));
  }
  const absl::StatusOr<std::uint64_t> end = desk->End();
  if (!end.ok()) return end.status();
  if (sequence > *end) {
    return absl::FailedPreconditionError(
        absl::StrCat("the journal ends with sequence ", *end, ": nobody has passed ", sequence));
  }
  reader->passed = sequence;
  if (absl::Status status = desk->Write(*reader); !status.ok()) return status;
  out << "reader=" << name << " passed=" << sequence << "\n";
  return absl::OkStatus();
}

absl::Status RemoveJournalReader(const std::string& data_directory, const std::string& name,
                                 std::ostream& out) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const absl::StatusOr<ReaderDesk> desk = ReaderDesk::Open(data_directory);
  if (!desk.ok()) return desk.status();
  const absl::Status status = engine::RemoveReader(engine::PosixDisk(), desk->folder(), name);
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError(
        absl::StrCat(name, " is not a registered reader of ", desk->folder()));
  }
  if (!status.ok()) return status;
  out << "reader=" << name << " removed\n";
  return absl::OkStatus();
}

}  // namespace tools
