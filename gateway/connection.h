// A TCP connection as frames: whole ones in, a bounded queue of them out. Knows no protocol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "gateway/budget.h"
#include "gateway/frame.h"
#include "gateway/frame_builder.h"
#include "gateway/tls_stream.h"

namespace gateway {

// Who takes the frames of a connection.
class FrameSink {
 public:
  FrameSink() = default;
  FrameSink(const FrameSink&) = delete;
  FrameSink& operator=(const FrameSink&) = delete;
  virtual ~FrameSink() = default;

  virtual void OnRead() = 0;                          // Before the first of some whole frames.
  virtual bool OnFrame(const Frame& frame) = 0;       // False: no more.
  virtual std::uint32_t max_frame_bytes() const = 0;  // May change with a frame.
};

// Thread: its gateway's. An idle connection holds no buffer.
class Connection {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // Requires: `budget` outlives it.
  Connection(Socket socket, Budget& budget);
  // From now on it is the daemon's end of TLS, or a client's of the daemon `name`: nothing is read
  // or written before tls()->secure(). Requires: nothing was.
  void Secure(std::shared_ptr<const TlsIdentity> context);
  void Secure(std::shared_ptr<const TlsIdentity> context, const std::string& name);
  TlsStream* tls() { return tls_.get(); }  // Null without.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class ReadResult : std::uint8_t { kMore, kNothing, kEnd, kBad, kOverBudget };
  // Read() has something to give though the socket has not: do not wait for that.
  bool has_unread() const { return tls_ != nullptr && tls_->has_unread(); }

  // Reads once, without waiting, and gives each whole frame to `sink`, until that says false.
  // Requires: scratch is 8-aligned and at least kFrameBytesMax long; shared by all connections of a
  //           thread.
  // Ensures:  kMore: as many bytes came as there was space for. With kBad see bad().
  ReadResult Read(std::span<std::byte> scratch, FrameSink& sink);
  TerminateReason bad() const { return bad_; }
  bool InsideFrame() const { return !partial_.empty(); }

  // Where frames are appended; Write() sends them.
  Bytes& output() { return output_; }
  std::size_t waiting_bytes() const { return output_.size() - sent_; }

  enum class WriteResult : std::uint8_t { kAll, kWouldBlock, kEnd, kOverBudget };
  // Sends what the socket takes now. Ensures: kOverBudget: what waits has no room in the budget.
  WriteResult Write();
  // While the socket takes nothing: counts what waits. Ensures: kWouldBlock or kOverBudget.
  WriteResult Hold();
  // Forgets what waits, but for the rest of a frame that has begun.
  void DropWaiting();
  std::uint64_t sent_total() const { return sent_total_; }

  Socket& socket() { return socket_; }
  void Close();
  void EndOutput();  // The peer reads to the end of what was sent.

 private:
  using TwoBuffers = std::array<boost::asio::mutable_buffer, 2>;
  std::size_t ReadSome(std::span<std::byte> to, boost::system::error_code& error);
  std::size_t ReadSome(const TwoBuffers& buffers, boost::system::error_code& error);
  std::size_t WriteSome(std::span<const std::byte> from, boost::system::error_code& error);
  ReadResult ReadIntoScratch(std::span<std::byte> scratch, FrameSink& sink);
  ReadResult ReadRestOfFrame(std::span<std::byte> scratch, FrameSink& sink);
  ReadResult TakeFrames(std::span<const std::byte> bytes, FrameSink& sink);
  struct FramePlace {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  FramePlace FrameAt(std::size_t offset) const;
  void Compact();
  bool Account(std::uint64_t& accounted, std::uint64_t bytes);

  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // Over the socket.
  Budget& budget_;
  Bytes partial_;              // The begin of a frame; 8-aligned.
  std::uint32_t missing_ = 0;  // Of it, where its length is known; else 0.
  Bytes output_;               // Begins with a frame.
  std::size_t sent_ = 0;       // Bytes of output_.
  std::uint64_t sent_total_ = 0;
  std::uint64_t accounted_input_ = 0;  // As the budget knows.
  std::uint64_t accounted_output_ = 0;
  TerminateReason bad_{};
};

}  // namespace gateway
