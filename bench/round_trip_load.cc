#include "bench/round_trip_load.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "engine/core/check.h"
#include "gateway/client_codec.h"
#include "gateway/connection.h"

namespace bench {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kScratchBytes = std::size_t{128} << 10;

[[noreturn]] void GiveUp(std::string_view why) {
  std::fprintf(stderr, "round trip: %.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

}  // namespace

class RoundTripLoad::Impl {
 public:
  Impl(std::uint16_t port, const LoadShape& shape, const std::vector<LoadAccounts>& accounts,
       std::vector<engine::ProductId> products)
      : shape_(shape), products_(std::move(products)), orders_(shape.orders_a_frame) {
    CHECK(accounts.size() == shape.connections && !products_.empty());
    for (const LoadAccounts& of : accounts) {
      tcp::socket socket(io_);
      error_code error;
      socket.connect({boost::asio::ip::address_v4::loopback(), port}, error);
      if (error) GiveUp("cannot connect: " + error.message());
      peers_.push_back(std::make_unique<Peer>(*this, std::move(socket), of));
    }
    for (const auto& peer : peers_) peer->Begin();
    while (logged_on_ < shape_.connections) io_.run_one();
  }

  void Run(std::uint64_t frames) {
    to_send_ = frames;
    to_hear_ = frames;
    for (const auto& peer : peers_) peer->SendUpToWindow();
    while (to_hear_ > 0) io_.run_one();
  }

  std::size_t answer_bytes_ = 0;

 private:
  class Peer final : public gateway::FrameSink, public gateway::MessageHandler {
   public:
    Peer(Impl& load, tcp::socket socket, const LoadAccounts& accounts)
        : load_(load), accounts_(accounts), connection_(std::move(socket), load.budget_) {}

    void Begin() {
      if (accounts_.tls == nullptr) return LogOn();
      connection_.Secure(accounts_.tls, "127.0.0.1");
      ShakeHands();
    }

    void LogOn() {
      WaitToRead();
      if (!accounts_.logs_on) {
        ++load_.logged_on_;
        return;
      }
      load_.builder_.Logon({.token = accounts_.token, .heartbeat_s = 300}, connection_.output());
      Write();
    }

    void SendUpToWindow() {
      for (; load_.to_send_ > 0 && unanswered_ < load_.shape_.window; ++unanswered_) {
        --load_.to_send_;
        for (engine::OrderBody& order : load_.orders_) Next(order);
        load_.builder_.Orders(engine::CommandType::kSubmitOrders, ++client_seq_, load_.orders_,
                              connection_.output());
      }
      Write();
    }

   private:
    void ShakeHands() {
      using Step = gateway::TlsStream::Step;
      const Step step = connection_.tls()->Handshake();
      if (step == Step::kDone) return LogOn();
      if (step == Step::kFailed) GiveUp("no handshake: " + connection_.tls()->why());
      connection_.socket().async_wait(
          step == Step::kWantsRead ? tcp::socket::wait_read : tcp::socket::wait_write,
          [this](const error_code& error) {
            if (!error) ShakeHands();
          });
    }

    void Next(engine::OrderBody& order) {
      ++order_;
      const std::uint64_t product = order_ / accounts_.accounts % load_.products_.size();
      order = {.account = engine::AccountId(accounts_.first_account + order_ % accounts_.accounts),
               .client_order_id = engine::ClientOrderId(order_),
               .product = load_.products_[product],
               .limit_ticks = static_cast<std::int32_t>(100 + order_ % 128),
               .energy_wh = 1'000};
    }

    void WaitToRead() {
      connection_.socket().async_wait(tcp::socket::wait_read, [this](const error_code& error) {
        if (!error) Read();
      });
    }
    void Read() {
      using Result = gateway::Connection::ReadResult;
      const Result result = connection_.Read(load_.scratch_, *this);
      if (result != Result::kMore && result != Result::kNothing) GiveUp("a connection ended");
      if (logged_on_ || !accounts_.logs_on) SendUpToWindow();
      // What is left of a record is in no socket.
      if (connection_.has_unread()) {
        boost::asio::post(load_.io_, [this] { Read(); });
      } else {
        WaitToRead();
      }
    }
    void Write() {
      using Result = gateway::Connection::WriteResult;
      if (write_waits_) return;
      const Result result = connection_.Write();
      if (result == Result::kAll) return;
      if (result != Result::kWouldBlock) GiveUp("a connection ended");
      write_waits_ = true;
      connection_.socket().async_wait(tcp::socket::wait_write, [this](const error_code& error) {
        write_waits_ = false;
        if (!error) Write();
      });
    }

    void OnRead() override {}
    std::uint32_t max_frame_bytes() const override { return gateway::kFrameBytesMax; }
    bool OnFrame(const gateway::Frame& frame) override {
      if (frame.type == gateway::MessageType::kAnswer) {
        const std::size_t bytes = frame.body.size() + sizeof(gateway::FrameHeader);
        if (load_.answer_bytes_ == 0) load_.answer_bytes_ = bytes;
        if (load_.answer_bytes_ != bytes) GiveUp("answers of different lengths");
      }
      if (!gateway::Deliver(frame, *this)) GiveUp("a frame that cannot be read");
      return true;
    }
    void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override {
      if (message.reason != engine::Reason::kNone) GiveUp("a logon was refused");
      logged_on_ = true;
      ++load_.logged_on_;
      client_seq_ = message.next_client_seq - 1;
    }
    void OnAnswer(const gateway::AnswerMessage& message) override {
      engine::Reason reason = message.answer.reason;
      if (!message.refused.empty()) reason = message.refused.front().reason;
      if (reason != engine::Reason::kNone) {
        GiveUp("refused: " + std::string(engine::ReasonName(reason)));
      }
      --unanswered_;
      --load_.to_hear_;
    }
    void OnTerminate(const gateway::TerminateMessage& message) override {
      GiveUp("terminated: " + std::string(message.text));
    }

    Impl& load_;
    const LoadAccounts accounts_;
    gateway::Connection connection_;
    std::uint64_t client_seq_ = 0;
    std::uint64_t order_ = 0;
    std::uint32_t unanswered_ = 0;
    bool logged_on_ = false;
    bool write_waits_ = false;
  };

  const LoadShape shape_;
  const std::vector<engine::ProductId> products_;
  boost::asio::io_context io_{1};
  gateway::Budget budget_{UINT64_MAX / 2};
  gateway::RequestBuilder builder_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(kScratchBytes);
  std::vector<engine::OrderBody> orders_;
  std::uint32_t logged_on_ = 0;
  std::uint64_t to_send_ = 0;
  std::uint64_t to_hear_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
};

RoundTripLoad::RoundTripLoad(std::uint16_t port, const LoadShape& shape,
                             const std::vector<LoadAccounts>& accounts,
                             std::vector<engine::ProductId> products)
    : impl_(std::make_unique<Impl>(port, shape, accounts, std::move(products))) {}
RoundTripLoad::~RoundTripLoad() = default;

void RoundTripLoad::Run(std::uint64_t frames) { impl_->Run(frames); }
std::size_t RoundTripLoad::answer_bytes() const { return impl_->answer_bytes_; }

}  // namespace bench
