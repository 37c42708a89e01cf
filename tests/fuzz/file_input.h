// One input of the fuzzer of the tool's files: any bytes, taken as a CSV of orders, of readings, of
// profiles, as each of the three of a recorded NEM day, and as a feed. CSVs may be gzipped.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/command.h"
#include "engine/journal/file_descriptor.h"
#include "tools/feed/feed_file.h"
#include "tools/feed/nem_tables.h"
#include "tools/feed/profile_table.h"
#include "tools/peerwatt/orders_file.h"
#include "tools/peerwatt/readings_file.h"

namespace tools {

// A file in memory, under a path of its own.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes)
      : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    CHECK(fd_.valid());
    CHECK(write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_.get()); }

 private:
  engine::FileDescriptor fd_;
};

inline constexpr std::string_view kNemBids =
    "round,interval_end,offer_time,duid,side,band,price_aud_mwh,mw\n"
    "1,2022-01-01 00:05:00,2021-12-31 23:50:00,GAS1,S,1,30.5,70\n";
inline constexpr std::string_view kNemDispatch = "round,DUID,AVAILABILITY\n1,GAS1,100\n";
inline constexpr std::string_view kNemDemand =
    "round,interval_end,region,total_demand_mw\n1,2022-01-01 00:05:00,NSW1,120.01\n";

inline MemoryFile TextFile(std::string_view text) {
  return MemoryFile({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// As each of the three, with two that are whole.
inline void TakeNemFile(const MemoryFile& file) {
  const MemoryFile bids = TextFile(kNemBids);
  const MemoryFile dispatch = TextFile(kNemDispatch);
  const MemoryFile demand = TextFile(kNemDemand);
  for (std::string NemImportOptions::*one :
       {&NemImportOptions::bids_csv, &NemImportOptions::dispatch_csv,
        &NemImportOptions::demand_csv}) {
    NemImportOptions options;
    options.bids_csv = bids.path();
    options.dispatch_csv = dispatch.path();
    options.demand_csv = demand.path();
    options.*one = file.path();
    const auto tables = ReadNemTables(options);
    if (!tables.ok()) continue;
    for (const NemBand& band : tables->bands) CHECK(band.participant < tables->participants.size());
    for (const NemDemand& row : tables->demand) {
      CHECK(row.participant < tables->participants.size());
    }
  }
}

inline void TakeProfiles(const MemoryFile& file) {
  ProfileImportOptions options;
  options.load_csv = options.pv_csv = file.path();
  for (const ProfileUnit unit : {ProfileUnit::kKwh, ProfileUnit::kKw}) {
    options.unit = unit;
    const auto table = ReadProfileTable(file.path(), "", options);
    const bool named = table.status().message().find(file.path()) != std::string_view::npos;
    CHECK(table.ok() ? table->intervals() >= 2 : named);
    const auto profiles = ReadProfiles(options);
    CHECK(table.ok() || !profiles.ok());
  }
}

// A refusal names the file; what is taken is what the files may hold.
inline void TakeFile(std::span<const std::uint8_t> input) {
  const MemoryFile file(input);
  const auto named = [&](const absl::Status& status) {
    return status.ok() || status.message().find(file.path()) != std::string_view::npos;
  };
  TakeNemFile(file);
  TakeProfiles(file);
  const auto orders = ReadOrdersFile(file.path());
  CHECK(named(orders.status()));
  if (orders.ok()) {
    for (const FileOrder& order : orders->orders) {
      CHECK(order.account < orders->party_of.size());
      CHECK(order.price_ticks >= orders->lowest_ticks);
      CHECK(order.price_ticks <= orders->highest_ticks);
    }
  }
  CHECK(named(ReadReadingsFile(file.path()).status()));
  auto feed = FeedReader::Open(file.path());
  CHECK(named(feed.status()));
  std::uint64_t sequence = 0;
  while (feed.ok()) {
    const auto record = feed->Next();
    CHECK(named(record.status()));
    if (!record.ok() || !*record) break;
    CHECK((*record)->header().sequence == ++sequence);
  }
}

}  // namespace tools
