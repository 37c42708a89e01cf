// A feed from a journal: what its clients sent, with other numbers for who they are.
//
// Parties, metering points, accounts and credentials are renumbered by a keyed hash, client order
// ids are replaced by one, and token hashes and the cluster id become zero. Markets, prices,
// energies and times stay: who knows a home's orders can find it by them.
//
// The feed's definitions are the journal's last of each id, moved to its beginning. A session's
// cancel-on-disconnect becomes a cancel of all.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "engine/journal/disk.h"
#include "tools/feed/feed_file.h"

namespace tools {

struct JournalExportOptions {
  std::string folder;    // Of one shard's journal.
  std::string key_file;  // 16 to 4,096 random bytes, kept secret.
};

// Writes definitions and commands into `feed`, leaves it unfinished, and tells `report` the counts.
// Memory: the definitions. Cost: two passes over the journal.
absl::Status ExportJournal(engine::Disk& disk, const JournalExportOptions& options,
                           FeedWriter& feed, std::ostream& report);

}  // namespace tools
