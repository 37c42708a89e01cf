#include "gateway/codec.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/limits.h"
#include "gateway/client_codec.h"
#include "tests/gateway/wire_twin.h"

namespace gateway {
namespace {

using engine::CommandHeader;
using engine::CommandType;
using engine::OrderBody;
using engine::Reason;

constexpr engine::CredentialId kCredential{7};

OrderBody Order(std::uint64_t id) {
  return {.account = engine::AccountId(11),
          .client_order_id = engine::ClientOrderId(id),
          .product = {engine::MarketId(3), 29'000'000},
          .limit_ticks = -40,
          .energy_wh = 250,
          .response_param = 0,
          .side = engine::Side::kSell};
}

// A command in memory of its own, as Write() made it.
struct Decoded {
  Reason read = Reason::kNone;
  FrameRefusal refusal;
  Request request;
  std::vector<std::uint64_t> memory;

  const CommandHeader& header() const {
    return *reinterpret_cast<const CommandHeader*>(memory.data());
  }
  template <typename Body>
  std::span<const Body> Items() const {
    return engine::CommandView(&header()).Items<Body>();
  }
};

Decoded Decode(const Frame& frame) {
  Decoded decoded;
  decoded.read = Read(frame, decoded.request);
  if (decoded.read != Reason::kNone) return decoded;
  decoded.memory.resize(decoded.request.command_bytes / 8);
  decoded.refusal = Write(decoded.request, kCredential, 1'234,
                          reinterpret_cast<CommandHeader*>(decoded.memory.data()));
  return decoded;
}

Bytes Submit(std::span<const OrderBody> orders, std::uint64_t client_seq = 5) {
  RequestBuilder builder;
  Bytes out;
  builder.Orders(CommandType::kSubmitOrders, client_seq, orders, out);
  return out;
}

TEST(Codec, TurnsOrdersIntoACommandThatKeepsEveryField) {
  const std::array orders = {Order(1), Order(2)};
  const Bytes frame = Submit(orders);
  const Decoded decoded = Decode(Only(frame));
  ASSERT_EQ(decoded.read, Reason::kNone);
  ASSERT_EQ(decoded.refusal.reason, Reason::kNone);
  EXPECT_EQ(decoded.header().type, CommandType::kSubmitOrders);
  EXPECT_EQ(decoded.header().client_seq, 5U);
  EXPECT_EQ(decoded.header().credential, kCredential);
  EXPECT_EQ(decoded.header().time_ns, 1'234);
  EXPECT_EQ(decoded.header().length, 40U + 2 * 40);
  ASSERT_EQ(decoded.Items<OrderBody>().size(), 2U);
  EXPECT_EQ(std::memcmp(decoded.Items<OrderBody>().data(), orders.data(), sizeof(orders)), 0);
}

TEST(Codec, TurnsCancelsIntoACommandOfKeys) {
  const std::array keys = {engine::OrderKeyBody{
      engine::AccountId(1), engine::ClientOrderId(2), {engine::MarketId(3), 4}}};
  RequestBuilder builder;
  Bytes frame;
  builder.CancelOrders(9, keys, frame);
  const Decoded decoded = Decode(Only(frame));
  ASSERT_EQ(decoded.read, Reason::kNone);
  ASSERT_EQ(decoded.Items<engine::OrderKeyBody>().size(), 1U);
  EXPECT_EQ(std::memcmp(decoded.Items<engine::OrderKeyBody>().data(), keys.data(), sizeof(keys)),
            0);
}

TEST(Codec, TurnsCancelAllAndListOpenOrdersIntoScopes) {
  RequestBuilder builder;
  const engine::OrderScopeBody scope{engine::AccountId(6), engine::MarketId(2), 0};
  Bytes cancel;
  builder.CancelAll(3, scope, cancel);
  Bytes list;
  builder.ListOpenOrders(0, scope, list);
  for (const Bytes* frame : {&cancel, &list}) {
    const Decoded decoded = Decode(Only(*frame));
    ASSERT_EQ(decoded.read, Reason::kNone);
    ASSERT_EQ(decoded.Items<engine::OrderScopeBody>().size(), 1U);
    EXPECT_EQ(decoded.Items<engine::OrderScopeBody>()[0].account, engine::AccountId(6));
    EXPECT_EQ(decoded.Items<engine::OrderScopeBody>()[0].market, engine::MarketId(2));
  }
}

TEST(Codec, TurnsAnswersToACalledPriceIntoACommandThatKeepsEveryField) {
  const std::array answers = {engine::QuantityBody{.account = engine::AccountId(1),
                                                   .client_order_id = engine::ClientOrderId(2),
                                                   .product = {engine::MarketId(3), 4},
                                                   .demand_nwh = 5'000'000'000'000,
                                                   .round = 6,
                                                   .step = 7},
                              engine::QuantityBody{.account = engine::AccountId(8),
                                                   .client_order_id = {},
                                                   .product = {},
                                                   .demand_nwh = 0,
                                                   .round = 1,
                                                   .step = 9}};
  RequestBuilder builder;
  Bytes frame;
  builder.QuantityReply(11, answers, frame);
  const Decoded decoded = Decode(Only(frame));
  ASSERT_EQ(decoded.read, Reason::kNone);
  ASSERT_EQ(decoded.refusal.reason, Reason::kNone);
  EXPECT_EQ(decoded.header().type, CommandType::kReplyQuantities);
  EXPECT_EQ(decoded.header().client_seq, 11U);
  ASSERT_EQ(decoded.Items<engine::QuantityBody>().size(), 2U);
  EXPECT_EQ(
      std::memcmp(decoded.Items<engine::QuantityBody>().data(), answers.data(), sizeof(answers)),
      0);
  Bytes empty;
  builder.QuantityReply(12, {}, empty);
  EXPECT_EQ(Decode(Only(empty)).read, Reason::kNoOrders);
}

TEST(Codec, TurnsListProductsIntoAQuestionAboutAMarket) {
  RequestBuilder builder;
  Bytes frame;
  builder.ListProducts(42, engine::MarketId(2), frame);
  const Decoded decoded = Decode(Only(frame));
  ASSERT_EQ(decoded.read, Reason::kNone);
  ASSERT_EQ(decoded.Items<engine::OrderScopeBody>().size(), 1U);
  EXPECT_EQ(decoded.Items<engine::OrderScopeBody>()[0].account, engine::AccountId{});
  EXPECT_EQ(decoded.Items<engine::OrderScopeBody>()[0].market, engine::MarketId(2));
  EXPECT_EQ(decoded.request.client_seq, 42U);
}

TEST(Codec, TakesAFrameFullOfOrdersOrKeys) {
  EXPECT_EQ(OrdersAFrame(kFrameBytesMax), 1'022U);
  for (const std::uint32_t most : {kDeviceFrameBytesMax, kFrameBytesMax}) {
    const std::vector<OrderBody> orders(OrdersAFrame(most), Order(1));
    const Bytes frame = Submit(orders);
    EXPECT_LE(frame.size(), most);
    EXPECT_EQ(Decode(Only(frame)).refusal.reason, Reason::kNone);
    const std::vector<engine::OrderKeyBody> keys(KeysAFrame(most));
    RequestBuilder builder;
    Bytes cancel;
    builder.CancelOrders(1, keys, cancel);
    EXPECT_LE(cancel.size(), most);
    EXPECT_EQ(Decode(Only(cancel)).read, Reason::kNone);
  }
}

// A field of the wire order that is made wrong, and the refusal of the frame.
struct BadField {
  std::string name;
  std::size_t offset;
  std::byte value;
  Reason reason;
};

class BadOrder : public testing::TestWithParam<BadField> {};

TEST_P(BadOrder, IsRefusedWithItsPlaceAndNumber) {
  const std::array orders = {Order(1), Order(2), Order(3)};
  Bytes frame = Submit(orders);
  FirstOrder(frame)[64 + GetParam().offset] = GetParam().value;
  const Decoded decoded = Decode(Only(frame));
  ASSERT_EQ(decoded.read, Reason::kNone);
  EXPECT_EQ(decoded.refusal.reason, GetParam().reason);
  EXPECT_EQ(decoded.refusal.index, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadOrder,
    testing::Values(BadField{"side", 44, std::byte{2}, Reason::kBadSide},
                    BadField{"side_high_bit", 44, std::byte{0x80}, Reason::kBadSide},
                    BadField{"response", 45, std::byte{4}, Reason::kBadResponse},
                    BadField{"time_in_force", 46, std::byte{9}, Reason::kBadTimeInForce},
                    BadField{"min_energy_wh", 32, std::byte{1}, Reason::kReservedNotZero},
                    BadField{"response_param", 36, std::byte{1}, Reason::kReservedNotZero},
                    BadField{"group", 43, std::byte{1}, Reason::kReservedNotZero},
                    BadField{"reserved_first", 47, std::byte{1}, Reason::kReservedNotZero},
                    BadField{"reserved_middle", 55, std::byte{1}, Reason::kReservedNotZero},
                    BadField{"reserved_last", 63, std::byte{0x80}, Reason::kReservedNotZero}),
    [](const auto& param) { return param.param.name; });

TEST(Codec, RefusesAFrameWithoutAnOrder) {
  const Bytes frame = Submit({});
  EXPECT_EQ(Decode(Only(frame)).read, Reason::kNoOrders);
}

TEST(Codec, RefusesMoreKeysThanACommandHolds) {
  RequestBuilder builder;
  std::vector<engine::OrderKeyBody> keys(engine::kFrameOrdersMax);
  Bytes frame;
  builder.CancelOrders(1, keys, frame);
  // The count is raised in place; the bytes behind the keys are enough for it.
  frame.resize(kFrameBytesMax);
  const std::uint32_t length = kFrameBytesMax;
  std::memcpy(frame.data(), &length, sizeof(length));
  std::byte* count = FirstOrder(frame) - 4;
  const std::uint32_t more = engine::kFrameOrdersMax + 1;
  std::memcpy(count, &more, sizeof(more));
  EXPECT_EQ(Decode(Only(frame)).read, Reason::kTooManyOrders);
}

TEST(Codec, CallsACommandWithoutASequenceNumberMalformed) {
  const std::array orders = {Order(1)};
  EXPECT_EQ(Decode(Only(Submit(orders, 0))).read, Reason::kMalformed);
}

TEST(Codec, CallsTypesAndVersionsThatItDoesNotKnowUnknown) {
  const std::array orders = {Order(1)};
  const Bytes bytes = Submit(orders);
  Frame frame = Only(bytes);
  frame.version = 2;
  EXPECT_EQ(Decode(frame).read, Reason::kUnknownMessage);
  frame.version = kWireVersion;
  frame.type = MessageType(99);
  EXPECT_EQ(Decode(frame).read, Reason::kUnknownMessage);
}

TEST(Codec, CallsAVectorOfOrdersThatIsNotAlignedMalformed) {
  // Root at 20, its vtable at 4, a client_seq, and orders whose first byte is not 8-aligned.
  Bytes bytes(8 + 24 + 16 + 64 + 8);
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + 8 + at, &value, sizeof(value));
  };
  put(0, std::uint32_t{12});   // The table.
  put(4, std::uint16_t{8});    // The vtable: its size,
  put(6, std::uint16_t{16});   // the table's,
  put(8, std::uint16_t{4});    // client_seq and
  put(10, std::uint16_t{12});  // orders in it.
  put(12, std::int32_t{8});
  put(16, std::uint64_t{1});
  put(24, std::uint32_t{4});  // The vector is at 28 and its items are at 32.
  put(28, std::uint32_t{1});
  const FrameHeader header{
      .length = static_cast<std::uint32_t>(bytes.size()), .type = 16, .version = kWireVersion};
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_EQ(Decode(Only(bytes)).read, Reason::kNone);
  put(24, std::uint32_t{8});  // Items at 36.
  put(32, std::uint32_t{1});
  EXPECT_EQ(Decode(Only(bytes)).read, Reason::kMalformed);
}

// Every frame that the builder makes means the same to the codec as to a reader that is too slow
// and simple to be wrong. A failure prints the seed that repeats it.
TEST(Codec, ReadsWhatTheTwinReads) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<OrderBody> orders(1 + random() % 100);
    for (OrderBody& order : orders) {
      order = {.account = engine::AccountId(random()),
               .client_order_id = engine::ClientOrderId(random()),
               .product = {engine::MarketId(static_cast<std::uint32_t>(random())),
                           static_cast<std::uint32_t>(random())},
               .limit_ticks = static_cast<std::int32_t>(random()),
               .energy_wh = static_cast<std::uint32_t>(random()),
               .response_param = 0,
               .side = engine::Side(static_cast<std::uint8_t>(random() % 2))};
    }
    const Bytes bytes = Submit(orders, 1 + random() % 1'000);
    const Decoded decoded = Decode(Only(bytes));
    const TwinTable twin(Only(bytes).body);
    ASSERT_EQ(decoded.header().client_seq, twin.Get<std::uint64_t>(0));
    const std::span<const std::byte> wire = twin.Vector(1, 64);
    ASSERT_EQ(wire.size(), orders.size() * 64);
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const OrderBody& order = decoded.Items<OrderBody>()[i];
      const std::span<const std::byte> item = wire.subspan(i * 64, 64);
      EXPECT_EQ(order.account, engine::AccountId(Load<std::uint64_t>(item, 0)));
      EXPECT_EQ(order.client_order_id, engine::ClientOrderId(Load<std::uint64_t>(item, 8)));
      EXPECT_EQ(order.product.market, engine::MarketId(Load<std::uint32_t>(item, 16)));
      EXPECT_EQ(order.product.start_minute, Load<std::uint32_t>(item, 20));
      EXPECT_EQ(order.limit_ticks, Load<std::int32_t>(item, 24));
      EXPECT_EQ(order.energy_wh, Load<std::uint32_t>(item, 28));
      EXPECT_EQ(order.side, engine::Side(Load<std::uint8_t>(item, 44)));
    }
  }
}

TEST(Codec, ReadsALogon) {
  RequestBuilder builder;
  Bytes bytes;
  builder.Logon({.token = "pw_secret",
                 .next_client_seq = 8,
                 .next_event = 9,
                 .heartbeat_s = 10,
                 .cancel_on_disconnect = true},
                bytes);
  LogonRequest logon;
  ASSERT_TRUE(ReadLogon(Only(bytes), logon));
  EXPECT_EQ(logon.token, "pw_secret");
  EXPECT_EQ(logon.next_client_seq, 8U);
  EXPECT_EQ(logon.next_event, 9U);
  EXPECT_EQ(logon.heartbeat_s, 10);
  EXPECT_TRUE(logon.cancel_on_disconnect);
}

TEST(Codec, LeavesItToTheSessionWhetherALogonNeedsAToken) {
  RequestBuilder builder;
  Bytes bytes;
  builder.Logon({.token = ""}, bytes);
  LogonRequest logon;
  EXPECT_TRUE(ReadLogon(Only(bytes), logon));
  EXPECT_EQ(logon.token, "");
}

}  // namespace
}  // namespace gateway
