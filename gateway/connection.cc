#include "gateway/connection.h"

#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>

#include "engine/core/check.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Kept between two bursts of output, so that a busy connection does not allocate each time.
constexpr std::size_t kOutputKeptBytes = 4'096;

bool WouldBlock(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again ||
         error == asio::error::interrupted;
}

}  // namespace

Connection::Connection(Socket socket, Budget& budget)
    : socket_(std::move(socket)), budget_(budget) {
  error_code error;
  socket_.non_blocking(true, error);
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
}

Connection::~Connection() {
  Close();
  budget_.ReturnBytes(accounted_input_ + accounted_output_);
}

void Connection::Close() {
  error_code error;
  socket_.close(error);
}

void Connection::Secure(std::shared_ptr<const TlsIdentity> context) {
  tls_ = std::make_unique<TlsStream>(std::move(context), socket_.native_handle());
}

void Connection::Secure(std::shared_ptr<const TlsIdentity> context, const std::string& name) {
  tls_ = std::make_unique<TlsStream>(std::move(context), socket_.native_handle(), name);
}

void Connection::EndOutput() {
  if (tls_ != nullptr) tls_->EndOutput();
  error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
}

// Tells the budget that `accounted` is now `bytes`. A decrease is never refused.
bool Connection::Account(std::uint64_t& accounted, std::uint64_t bytes) {
  if (bytes > accounted && !budget_.TakeBytes(bytes - accounted)) return false;
  if (bytes < accounted) budget_.ReturnBytes(accounted - bytes);
  accounted = bytes;
  return true;
}

std::size_t Connection::ReadSome(std::span<std::byte> to, error_code& error) {
  if (tls_ != nullptr) return tls_->Read(to, error);
  return socket_.read_some(asio::buffer(to.data(), to.size()), error);
}

std::size_t Connection::ReadSome(const TwoBuffers& buffers, error_code& error) {
  if (tls_ == nullptr) return socket_.read_some(buffers, error);
  const auto bytes_of = [](const asio::mutable_buffer& buffer) {
    return std::span(static_cast<std::byte*>(buffer.data()), buffer.size());
  };
  const std::size_t read = tls_->Read(bytes_of(buffers[0]), error);
  if (error || read < buffers[0].size()) return read;
  error_code behind;
  const std::size_t more = tls_->Read(bytes_of(buffers[1]), behind);
  if (behind && !WouldBlock(behind)) tls_->SayEndAgain();
  return read + more;
}

std::size_t Connection::WriteSome(std::span<const std::byte> from, error_code& error) {
  if (tls_ != nullptr) return tls_->Write(from, error);
  return socket_.write_some(asio::buffer(from.data(), from.size()), error);
}

Connection::ReadResult Connection::Read(std::span<std::byte> scratch, FrameSink& sink) {
  CHECK(scratch.size() >= kFrameBytesMax);
  return missing_ == 0 ? ReadIntoScratch(scratch, sink) : ReadRestOfFrame(scratch, sink);
}

Connection::ReadResult Connection::ReadIntoScratch(std::span<std::byte> scratch, FrameSink& sink) {
  const std::size_t held = partial_.size();  // Under 8: not even a header.
  if (held != 0) std::memcpy(scratch.data(), partial_.data(), held);
  error_code error;
  const std::size_t read = ReadSome(scratch.subspan(held), error);
  if (error) return WouldBlock(error) ? ReadResult::kNothing : ReadResult::kEnd;
  Bytes().swap(partial_);
  const ReadResult result = TakeFrames(scratch.first(held + read), sink);
  if (result != ReadResult::kNothing) return result;
  return held + read == scratch.size() ? ReadResult::kMore : ReadResult::kNothing;
}

// The frame that has begun is completed where it lies; what comes behind it lies in `scratch`, so
// that both begin 8-aligned and nothing is copied.
Connection::ReadResult Connection::ReadRestOfFrame(std::span<std::byte> scratch, FrameSink& sink) {
  const std::size_t begin = partial_.size();
  partial_.resize(begin + missing_);
  const TwoBuffers buffers = {asio::buffer(partial_.data() + begin, missing_),
                              asio::buffer(scratch.data(), scratch.size())};
  error_code error;
  const std::size_t read = ReadSome(buffers, error);
  if (error || read < missing_) {
    partial_.resize(begin + read);
    missing_ -= static_cast<std::uint32_t>(read);
    if (!error || WouldBlock(error)) return ReadResult::kNothing;
    return ReadResult::kEnd;
  }
  const std::size_t behind = read - missing_;
  missing_ = 0;
  const Bytes whole = std::move(partial_);
  partial_ = {};
  const bool freed = Account(accounted_input_, 0);
  CHECK(freed);
  const ReadResult result = TakeFrames(whole, sink);
  if (result != ReadResult::kNothing) return result;
  const ReadResult rest = TakeFrames(scratch.first(behind), sink);
  if (rest != ReadResult::kNothing) return rest;
  return behind == scratch.size() ? ReadResult::kMore : ReadResult::kNothing;
}

// Ensures: kNothing: every whole frame was taken and the begin of the next one is kept.
Connection::ReadResult Connection::TakeFrames(std::span<const std::byte> bytes, FrameSink& sink) {
  Scan scan = ScanFrame(bytes, sink.max_frame_bytes());
  if (scan.result == ScanResult::kFrame) sink.OnRead();
  while (scan.result == ScanResult::kFrame) {
    if (!sink.OnFrame(scan.frame)) return ReadResult::kEnd;
    bytes = bytes.subspan(scan.length);
    scan = ScanFrame(bytes, sink.max_frame_bytes());
  }
  if (scan.result == ScanResult::kBad) {
    bad_ = scan.reason;
    return ReadResult::kBad;
  }
  if (bytes.empty()) return ReadResult::kNothing;
  if (bytes.size() >= sizeof(FrameHeader)) {
    missing_ = static_cast<std::uint32_t>(scan.length - bytes.size());
    if (!Account(accounted_input_, scan.length)) return ReadResult::kOverBudget;
    partial_.reserve(scan.length);
  }
  partial_.assign(bytes.begin(), bytes.end());
  return ReadResult::kNothing;
}

Connection::WriteResult Connection::Write() {
  while (waiting_bytes() != 0) {
    error_code error;
    const std::size_t written = WriteSome(std::span(output_).subspan(sent_), error);
    sent_ += written;
    sent_total_ += written;
    if (!error) continue;
    if (!WouldBlock(error)) return WriteResult::kEnd;
    Compact();
    return Hold();
  }
  const bool freed = Account(accounted_output_, 0);
  CHECK(freed);
  output_.clear();
  if (output_.capacity() > kOutputKeptBytes) Bytes().swap(output_);
  sent_ = 0;
  return WriteResult::kAll;
}

Connection::WriteResult Connection::Hold() {
  const bool fits = Account(accounted_output_, output_.size());
  return fits ? WriteResult::kWouldBlock : WriteResult::kOverBudget;
}

// Frees what was sent once it is the greater part; each byte is moved at most once on average.
void Connection::Compact() {
  if (sent_ < output_.size() / 2) return;
  const std::size_t begun = FrameAt(sent_).begin;
  output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(begun));
  sent_ -= begun;
}

void Connection::DropWaiting() {
  // TLS has what is pending as a record of its own already.
  const std::size_t begun = sent_ + (tls_ == nullptr ? 0 : tls_->pending_bytes());
  const FramePlace place = FrameAt(begun);
  output_.resize(place.begin == begun ? begun : place.end);
}

// The frame that the byte at `offset` of output_ belongs to; {offset, offset} at the end.
Connection::FramePlace Connection::FrameAt(std::size_t offset) const {
  FramePlace place;
  while (place.end <= offset && place.end < output_.size()) {
    FrameHeader header;
    std::memcpy(&header, output_.data() + place.end, sizeof(header));
    place = {.begin = place.end, .end = place.end + header.length};
  }
  if (place.end <= offset) place = {.begin = offset, .end = offset};
  return place;
}

}  // namespace gateway
