// Winograd transforms of one tile of 64 channels, to points and back.
#include "kernels/winograd/winograd.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

constexpr int64_t kChannels = 64;

void to_points(benchmark::State& state, const WinogradKernel& row) {
  const int tile = row.m + 2;
  const AlignedArray<float> src = random_floats(tile * tile * kChannels);
  AlignedArray<float> dst(tile * tile * kChannels);
  const WinogradInputArgs args{src.data(), tile * kChannels, kChannels,  0,        tile, 0,
                               tile,       kChannels,        dst.data(), kChannels};
  for (auto _ : state) {
    row.fn(args);
    benchmark::ClobberMemory();
  }
  report(state, "Gpixels", static_cast<double>(row.m * row.m * kChannels));
}

void to_pixels(benchmark::State& state, const WinogradKernel& row) {
  const int tile = row.m + 2;
  const AlignedArray<float> src = random_floats(tile * tile * kChannels);
  AlignedArray<float> dst(row.m * row.m * kChannels);
  const WinogradOutputArgs args{src.data(), kChannels, kChannels, dst.data(), row.m * kChannels,
                                kChannels,  row.m,     row.m,     {}};
  for (auto _ : state) {
    row.output(args);
    benchmark::ClobberMemory();
  }
  report(state, "Gpixels", static_cast<double>(row.m * row.m * kChannels));
}

}  // namespace

void bench_winograd(const KernelInfo& info) {
  const auto& row = as<WinogradKernel>(info);
  benchmark::RegisterBenchmark((std::string(row.name) + "/input").c_str(),
                               [&row](benchmark::State& state) { to_points(state, row); });
  benchmark::RegisterBenchmark((std::string(row.name) + "/output").c_str(),
                               [&row](benchmark::State& state) { to_pixels(state, row); });
}

}  // namespace fastconv::bench
