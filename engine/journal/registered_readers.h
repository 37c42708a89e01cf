// Programs that read a journal beside the daemon, registered so that no segment goes before they
// have read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"

namespace engine {

struct RegisteredReader {
  std::string name;
  std::uint64_t passed = 0;  // Records to this one it needs no more; 0: it needs all.

  friend bool operator==(const RegisteredReader&, const RegisteredReader&) = default;
};

// 1 to 32 of a-z, 0-9 and -, of which - is not the first.
bool IsReaderName(std::string_view name);

// The file whose lock is held by whoever registers a reader or changes one, and by whoever removes
// segments, from his look at the readers on until the beginning is on disk.
std::string ReadersLock(const std::string& folder);

// The file whose lock is held by whoever copies the journal, for as long as that takes, and by
// whoever removes segments or snapshots, meanwhile: while it is held for a copy no segment goes,
// and no snapshot that was there when it was taken. A copier that dies holds nothing back.
std::string CopyLock(const std::string& folder);

// By name. Each is a file "reader-<name>.txt" in the journal's folder.
// Ensures: DataLoss that names the file where one is not as it was written.
absl::StatusOr<std::vector<RegisteredReader>> ListReaders(Disk& disk, const std::string& folder);

// Registers the reader, or says how far it has come. Requires: IsReaderName(reader.name).
// Ensures: it is on disk.
absl::Status WriteReader(Disk& disk, const std::string& folder, const RegisteredReader& reader);

// Ensures: NotFound where there is none; the file need not be whole.
absl::Status RemoveReader(Disk& disk, const std::string& folder, const std::string& name);

}  // namespace engine
