// `peerwatt journal dump|acts|verify|digest`: what a data directory's journal says. Reads only.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tools {

// Where the beginning of a journal was removed (journal.keep_days), a dump is of what is kept, and
// a replay begins with the oldest whole snapshot.

// A line a record: sequence, time, type, who acted or sent it and what it says.
absl::Status DumpJournal(const std::string& data_directory, std::ostream& out);
// Who changed what, when and why: CSV, a row for each definition (kActsHeader). Of a daemon that
// runs too: up to what is whole on disk, and damage behind that is not looked for. Where none runs
// damage is an error: a list that ends there would look whole.
absl::Status ListActs(const std::string& data_directory, std::ostream& out);
// Replays every record and compares every outcome; says what there is.
absl::Status VerifyJournal(const std::string& data_directory, std::ostream& out);
// `seq=... digest=...` of the state after the last record.
absl::Status PrintJournalDigest(const std::string& data_directory, std::ostream& out);

// Whether every answer in `acks`, as `peerwatt replay --acks` wrote it, is in the journal as it was
// given. Ensures: an error names the first line that is not; FailedPrecondition where the beginning
// of the journal was removed.
absl::Status CheckAcks(const std::string& data_directory, const std::string& acks,
                       std::ostream& out);

}  // namespace tools
