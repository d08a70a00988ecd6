// Pooling of one output row: 3x3 windows, stride 2, 56 outputs of 64 channels.
#include "kernels/pool/pool.h"

#include "bench/kernels/families.h"

namespace fastconv::bench {

void bench_pool(const KernelInfo& info) {
  const auto& row = as<Kernel<PoolFn>>(info);
  benchmark::RegisterBenchmark(row.name, [&row](benchmark::State& state) {
    constexpr int64_t kOutputs = 56, kChannels = 64, kWindow = 3, kStep = 2;
    constexpr int64_t kWidth = (kOutputs - 1) * kStep + kWindow;
    const AlignedArray<float> src = random_floats(kWindow * kWidth * kChannels);
    AlignedArray<float> dst(kOutputs * kChannels);
    AlignedArray<int64_t> indices(kOutputs * kChannels);
    const PoolAxis width = window_axis(kWidth, kOutputs, kWindow, kStep, 1, 0, 0, false);
    PoolRow args{};
    args.src = src.data();
    args.dst = dst.data();
    args.count = kOutputs;
    args.channels = kChannels;
    args.dst_pixel = args.index_pixel = kChannels;
    args.span_d = {0, 1, 1};
    args.span_h = {0, kWindow, kWindow};
    args.span_w = width.spans.data();
    for (int64_t& step : args.step) step = 1;
    args.src_stride[1] = kWidth * kChannels;
    args.src_stride[2] = kChannels;
    args.indices = indices.data();
    args.index_stride[1] = kWidth;
    args.index_stride[2] = 1;
    for (auto _ : state) {
      row.fn(args);
      benchmark::ClobberMemory();
    }
    report(state, "Gcells", static_cast<double>(kOutputs * kChannels * kWindow * kWindow));
  });
}

}  // namespace fastconv::bench
