// Depthwise rows: 3x3 and 5x5 windows over 56 outputs of 96 channels, stride 1 and 2.
#include "kernels/depthwise/table.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

void run(benchmark::State& state, const DepthwiseF32Kernel& row, int64_t window, int64_t step) {
  constexpr int64_t kOutputs = 56, kChannels = 96;
  const int64_t width = (kOutputs - 1) * step + window;
  const AlignedArray<float> src = random_floats(window * width * kChannels);
  const AlignedArray<float> weights = random_floats(window * window * kChannels);
  AlignedArray<float> dst(kOutputs * kChannels);
  std::vector<TapRow> rows;
  std::vector<RowTap> taps;
  for (int64_t i = 0; i < window; ++i) {
    rows.push_back({i * width * kChannels, i * window * kDepthwiseLanes});
    taps.push_back({i, i * kDepthwiseLanes});
  }
  DepthwiseF32Args args{};
  args.src = src.data();
  args.pixel = kChannels;
  args.width = width;
  args.rows = rows.data();
  args.taps = taps.data();
  args.row_count = args.tap_count = window;
  args.step = step;
  args.weights = weights.data();
  args.window = window * window;
  args.m = kOutputs;
  args.channels = args.dst_stride = kChannels;
  args.dst = dst.data();
  for (auto _ : state) {
    row.fn(args);
    benchmark::ClobberMemory();
  }
  report(state, "GF", 2.0 * static_cast<double>(kOutputs * kChannels * window * window));
}

}  // namespace

void bench_depthwise(const KernelInfo& info) {
  const auto& row = as<DepthwiseF32Kernel>(info);
  for (const int64_t window : {3, 5}) {
    for (const int64_t step : {1, 2}) {
      const std::string name = row.name + ("/window:" + std::to_string(window)) + "/step:" + std::to_string(step);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&row, window, step](benchmark::State& state) { run(state, row, window, step); });
    }
  }
}

}  // namespace fastconv::bench
