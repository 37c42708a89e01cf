// What it costs to turn frames into commands and events into frames, beside copying the same bytes.
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "gateway/client_codec.h"
#include "gateway/codec.h"
#include "gateway/event_stream.h"

namespace gateway {
namespace {

Bytes Submit(std::size_t orders) {
  const std::vector<engine::OrderBody> bodies(orders, {.account = engine::AccountId(1),
                                                       .client_order_id = engine::ClientOrderId(2),
                                                       .product = {engine::MarketId(3), 4},
                                                       .limit_ticks = 5,
                                                       .energy_wh = 6});
  RequestBuilder builder;
  Bytes bytes;
  builder.Orders(engine::CommandType::kSubmitOrders, 1, bodies, bytes);
  return bytes;
}

void BM_DecodeOrders(benchmark::State& state) {
  const auto orders = static_cast<std::size_t>(state.range(0));
  const Bytes bytes = Submit(orders);
  std::vector<std::uint64_t> ring(engine::kCommandBytesMax / 8);
  auto* command = reinterpret_cast<engine::CommandHeader*>(ring.data());
  for (auto _ : state) {
    const Scan scan = ScanFrame(bytes, kFrameBytesMax);
    Request request;
    benchmark::DoNotOptimize(Read(scan.frame, request));
    benchmark::DoNotOptimize(Write(request, engine::CredentialId(1), 1, command));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_DecodeOrders)->Arg(1)->Arg(64)->Arg(1'022);

// The baseline: the frame's bytes moved and nothing looked at.
void BM_CopyTheSameBytes(benchmark::State& state) {
  const Bytes bytes = Submit(static_cast<std::size_t>(state.range(0)));
  Bytes ring(kFrameBytesMax);
  for (auto _ : state) {
    std::memcpy(ring.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(ring.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_CopyTheSameBytes)->Arg(1)->Arg(64)->Arg(1'022);

void BM_EncodeAnswers(benchmark::State& state) {
  engine::Event event;
  event.type = engine::EventType::kAnswer;
  event.answer = {.client_seq = 1, .time_ns = 2, .command_sequence = 3, .items = 1};
  EventStream stream(kFrameBytesMax);
  FrameBuilder builder;
  Bytes out;
  for (auto _ : state) {
    out.clear();
    for (std::int64_t i = 0; i < state.range(0); ++i) stream.Add(event, builder, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_EncodeAnswers)->Arg(1)->Arg(64);

void BM_EncodeFills(benchmark::State& state) {
  engine::Event event;
  event.type = engine::EventType::kFill;
  event.fill = {};
  EventStream stream(kFrameBytesMax);
  FrameBuilder builder;
  Bytes out;
  for (auto _ : state) {
    out.clear();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      event.event_number = static_cast<std::uint64_t>(i + 1);
      stream.Add(event, builder, out);
    }
    stream.Flush(builder, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_EncodeFills)->Arg(1)->Arg(64)->Arg(4'096);

}  // namespace
}  // namespace gateway
