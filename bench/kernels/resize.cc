// Linear resizing of one output row: 2 x 2 taps for each of 112 pixels of 64 channels.
#include "kernels/resize/resize.h"

#include "bench/kernels/families.h"

namespace fastconv::bench {

void bench_resize(const KernelInfo& info) {
  const auto& row = as<Kernel<ResizeFn>>(info);
  benchmark::RegisterBenchmark(row.name, [&row](benchmark::State& state) {
    constexpr int64_t kPixels = 112, kChannels = 64, kWidth = kPixels / 2;
    const AlignedArray<float> src = random_floats(2 * kWidth * kChannels);
    AlignedArray<float> dst(kPixels * kChannels);
    ResizeRule rule;
    rule.mode = ResizeMode::linear;
    const ResizeAxis axis = resize_axis(rule, kWidth, kPixels, 2, kPixels);
    std::vector<int64_t> offsets;
    for (const int64_t cell : axis.index) offsets.push_back(cell * kChannels);
    const int64_t row_offsets[] = {0, kWidth * kChannels};
    const float row_weights[] = {0.25f, 0.75f};
    const ResizeRow args{src.data(), dst.data(),  kPixels,     kChannels,      kChannels,         2,
                         axis.taps,  row_offsets, row_weights, offsets.data(), axis.weight.data()};
    for (auto _ : state) {
      row.fn(args);
      benchmark::ClobberMemory();
    }
    report(state, "Gvalues", static_cast<double>(kPixels * kChannels));
  });
}

}  // namespace fastconv::bench
