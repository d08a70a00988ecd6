// Winograd transforms of one tile of 64 channels, to points and back.
#include "kernels/winograd/winograd.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

constexpr int64_t kChannels = 64;

double pixels(const WinogradKernel& row) {  // outputs of a tile
  return static_cast<double>((row.axes == 2 ? row.m * row.m : row.m) * kChannels);
}

void to_points(benchmark::State& state, const WinogradKernel& row) {
  const int tile = row.m + row.r - 1, rows = row.axes == 2 ? tile : 1;
  const AlignedArray<float> src = random_floats(rows * tile * kChannels);
  AlignedArray<float> dst(rows * tile * kChannels);
  WinogradInputArgs args{};
  args.src = src.data();
  args.row_stride = tile * kChannels;
  args.pixel_stride = kChannels;
  args.row_end = rows;
  args.column_end = tile;
  args.channels = kChannels;
  args.dst = dst.data();
  args.point_stride = kChannels;
  for (auto _ : state) {
    row.fn(args);
    benchmark::ClobberMemory();
  }
  report(state, "Gpixels", pixels(row));
}

void to_pixels(benchmark::State& state, const WinogradKernel& row) {
  const int tile = row.m + row.r - 1, rows = row.axes == 2 ? tile : 1;
  const AlignedArray<float> src = random_floats(rows * tile * kChannels);
  AlignedArray<float> dst(row.m * row.m * kChannels);
  WinogradOutputArgs args{};
  args.src = src.data();
  args.point_stride = kChannels;
  args.channels = kChannels;
  args.dst = dst.data();
  args.row_stride = row.m * kChannels;
  args.pixel_stride = kChannels;
  args.rows = row.axes == 2 ? row.m : 1;
  args.columns = row.m;
  for (auto _ : state) {
    row.output(args);
    benchmark::ClobberMemory();
  }
  report(state, "Gpixels", pixels(row));
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
