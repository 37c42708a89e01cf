#include "tools/feed/feed_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "engine/core/entry_version.h"
#include "engine/core/limits.h"
#include "tools/feed/feed_record.h"

namespace tools {
namespace {

constexpr std::size_t kDigestedHeaderBytes = sizeof(FeedHeader) - sizeof(engine::DigestBytes);

engine::DigestBytes DigestOf(const FeedHeader& header, std::span<const std::byte> checksums) {
  engine::Digest digest;
  digest.Add(std::as_bytes(std::span(&header, 1)).first(kDigestedHeaderBytes));
  digest.Add(checksums);
  return digest.Finish();
}

absl::Status SystemError(std::string_view what, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(std::string(what), " ", path));
}

// A feed takes the place of an older one, and of nothing else: not of a key, not of a device.
absl::Status RefuseToReplace(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0) return absl::OkStatus();  // To be created says why not.
  decltype(FeedHeader::magic) magic{};
  if (S_ISREG(there.st_mode)) {
    if (there.st_size == 0) return absl::OkStatus();
    std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
    if (magic == kFeedMagic) return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      absl::StrCat(path, ": is there and is no feed: remove it, or name another"));
}

}  // namespace

PartialFile::~PartialFile() {
  if (!path_.empty()) std::remove(path_.c_str());
}

bool PartialFile::Rename(const std::string& path) {
  if (std::rename(path_.c_str(), path.c_str()) != 0) return false;
  path_.clear();
  return true;
}

absl::StatusOr<FeedWriter> FeedWriter::Create(const std::string& path, FeedSource source,
                                              std::uint64_t seed) {
  if (absl::Status status = RefuseToReplace(path); !status.ok()) return status;
  FeedWriter writer;
  writer.path_ = path;
  writer.header_.source = source;
  writer.header_.seed = seed;
  writer.record_.resize(engine::kCommandBytesMax / 8);
  const std::string partial = path + ".partial";
  writer.file_.open(partial, std::ios::binary | std::ios::trunc);
  if (!writer.file_) return SystemError("cannot write", partial);
  writer.partial_ = PartialFile(partial);
  const std::array<char, sizeof(FeedHeader)> room{};
  writer.file_.write(room.data(), room.size());
  if (!writer.file_) return SystemError("cannot write", partial);
  return writer;
}

absl::Status FeedWriter::Write(engine::CommandType type, std::int64_t time_ns,
                               engine::CredentialId credential, std::size_t count,
                               std::span<const std::byte> bodies) {
  if (!first_error_.ok()) return first_error_;
  const std::size_t length = sizeof(engine::CommandHeader) + bodies.size();
  if (length > engine::kCommandBytesMax) {
    return first_error_ =
               absl::InvalidArgumentError(absl::StrCat("a record of ", length, " bytes"));
  }
  engine::CommandHeader header;
  header.sequence = header_.records + 1;
  header.time_ns = time_ns;
  header.client_seq = engine::IsFromClient(type) ? ++client_seqs_[credential] : 0;
  header.credential = credential;
  header.length = static_cast<std::uint32_t>(length);
  header.type = type;
  header.version = engine::NewestVersion(type);
  header.count = static_cast<std::uint32_t>(count);
  std::memcpy(record_.data(), &header, sizeof(header));
  std::memcpy(record_.data() + sizeof(header) / 8, bodies.data(), bodies.size());

  const engine::CommandView command(reinterpret_cast<const engine::CommandHeader*>(record_.data()));
  const std::string why_not = WhyNotInFeed(
      command, {.record = header.sequence, .last_time_ns = last_time_ns_, .defining = defining_});
  if (!why_not.empty()) {
    return first_error_ = absl::InvalidArgumentError(
               absl::StrCat(path_, ": record ", header.sequence, " ", why_not));
  }
  file_.write(reinterpret_cast<const char*>(record_.data()), static_cast<std::streamsize>(length));
  if (!file_) return first_error_ = SystemError("cannot write", partial_.path());
  checksums_.push_back(XXH3_64bits(record_.data(), length));
  if (header_.records == 0) header_.first_time_ns = time_ns;
  ++header_.records;
  header_.bytes += length;
  last_time_ns_ = time_ns;
  defining_ = !engine::IsFromClient(type);
  return absl::OkStatus();
}

absl::Status FeedWriter::Finish() {
  if (!first_error_.ok()) return first_error_;
  first_error_ = absl::FailedPreconditionError(absl::StrCat(path_, " is finished"));
  const std::span<const std::byte> checksums = std::as_bytes(std::span(checksums_));
  header_.digest = DigestOf(header_, checksums);
  file_.write(reinterpret_cast<const char*>(checksums.data()),
              static_cast<std::streamsize>(checksums.size()));
  file_.seekp(0);
  file_.write(reinterpret_cast<const char*>(&header_), sizeof(header_));
  file_.close();
  if (!file_) return SystemError("cannot write", partial_.path());
  if (!partial_.Rename(path_)) return SystemError("cannot name", path_);
  return absl::OkStatus();
}

void UnmapFeed::operator()(const std::byte* begin) const {
  ::munmap(const_cast<std::byte*>(begin), size);
}

absl::StatusOr<FeedReader> FeedReader::Open(const std::string& path) {
  FeedReader reader;
  reader.path_ = path;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("cannot open", path);
  struct stat status {};
  void* mapped = MAP_FAILED;
  const bool found = ::fstat(descriptor, &status) == 0;
  const std::size_t size = found ? static_cast<std::size_t>(status.st_size) : 0;
  if (size >= sizeof(FeedHeader)) {
    mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  }
  const int error = errno;
  ::close(descriptor);
  if (found && size < sizeof(FeedHeader)) {
    return absl::DataLossError(absl::StrCat(
        path, ": not a feed: ", size, " bytes, and the header alone takes ", sizeof(FeedHeader)));
  }
  if (mapped == MAP_FAILED) return absl::ErrnoToStatus(error, absl::StrCat("cannot read ", path));
  reader.file_ = {static_cast<const std::byte*>(mapped), UnmapFeed{size}};
  std::memcpy(&reader.header_, mapped, sizeof(FeedHeader));
  if (absl::Status whole = reader.CheckEnds(); !whole.ok()) return whole;
  return reader;
}

absl::Status FeedReader::CheckEnds() const {
  const std::size_t size = file_.get_deleter().size;
  if (header_.magic != kFeedMagic) {
    return absl::DataLossError(absl::StrCat(
        path_, ": offset 0: not a feed, or one whose maker was stopped before it was finished"));
  }
  if (header_.version != kFeedVersion) {
    return absl::DataLossError(absl::StrCat(path_, ": offset 8: version ", header_.version,
                                            "; this program reads ", kFeedVersion));
  }
  std::uint64_t whole = 0;
  const bool impossible = __builtin_mul_overflow(header_.records, std::uint64_t{8}, &whole) ||
                          __builtin_add_overflow(whole, header_.bytes, &whole) ||
                          __builtin_add_overflow(whole, sizeof(FeedHeader), &whole);
  if (impossible || size != whole) {
    return absl::DataLossError(
        absl::StrCat(path_, ": offset ", size, ": ",
                     impossible || size < whole ? "cut short" : "more than the feed", ": ",
                     header_.records, " records in ", header_.bytes, " bytes do not make ", size));
  }
  const std::span checksums(file_.get() + sizeof(FeedHeader) + header_.bytes, header_.records * 8);
  if (header_.bytes % 8 != 0 || DigestOf(header_, checksums) != header_.digest) {
    return absl::DataLossError(absl::StrCat(path_, ": offset 0: damaged header or checksums"));
  }
  return absl::OkStatus();
}

absl::Status FeedReader::Damaged(std::string_view what) const {
  return absl::DataLossError(absl::StrCat(path_, ": offset ", offset_, ": record ", record_ + 1,
                                          " of ", header_.records, " ", std::string(what)));
}

absl::StatusOr<std::optional<engine::CommandView>> FeedReader::Next() {
  const std::uint64_t left = sizeof(FeedHeader) + header_.bytes - offset_;
  if (record_ == header_.records) {
    if (left != 0) return Damaged("is not counted in the header");
    return std::nullopt;
  }
  if (left < sizeof(engine::CommandHeader)) return Damaged("is missing");
  const std::byte* begin = file_.get() + offset_;
  const auto* header = reinterpret_cast<const engine::CommandHeader*>(begin);
  if (header->length < sizeof(*header) || header->length % 8 != 0 || header->length > left ||
      header->length > engine::kCommandBytesMax) {
    return Damaged("is damaged: impossible length");
  }
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, file_.get() + sizeof(FeedHeader) + header_.bytes + record_ * 8, 8);
  if (checksum != XXH3_64bits(begin, header->length)) return Damaged("is damaged: wrong checksum");
  const engine::CommandView command(header);
  const std::string why_not = WhyNotInFeed(
      command, {.record = record_ + 1, .last_time_ns = last_time_ns_, .defining = defining_});
  if (!why_not.empty()) return Damaged(why_not);
  ++record_;
  offset_ += header->length;
  last_time_ns_ = header->time_ns;
  defining_ = !engine::IsFromClient(header->type);
  return std::optional(command);
}

void FeedReader::Rewind() {
  record_ = 0;
  offset_ = sizeof(FeedHeader);
  last_time_ns_ = 0;
  defining_ = true;
}

}  // namespace tools
