// Winograd transforms of one tile of 64 channels, to points and back; products of few tiles by a panel of filters.
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

// A direct sum would make 9 products for each of a tile's 16 outputs.
void few_tiles(benchmark::State& state, const WinogradFewKernel& row) {
  constexpr int64_t kPoints = 36, kTaps = 9;
  const AlignedArray<float> src = random_floats(kChannels * kPoints * row.tiles);
  const AlignedArray<float> filters = random_floats(kChannels * kTaps * row.columns);
  AlignedArray<float> dst(kPoints * row.tiles * row.columns);
  for (auto _ : state) {
    row.fn({src.data(), filters.data(), kChannels, row.tiles, dst.data()});
    benchmark::ClobberMemory();
  }
  report(state, "GF", 2.0 * 16 * static_cast<double>(row.tiles * kTaps * kChannels * row.columns));
}

}  // namespace

void bench_winograd(const KernelInfo& info) {
  if (std::string(info.name).rfind("winograd_f32_few", 0) == 0) {
    const auto& row = as<WinogradFewKernel>(info);
    benchmark::RegisterBenchmark(row.name, [&row](benchmark::State& state) { few_tiles(state, row); });
    return;
  }
  const auto& row = as<WinogradKernel>(info);
  benchmark::RegisterBenchmark((std::string(row.name) + "/input").c_str(),
                               [&row](benchmark::State& state) { to_points(state, row); });
  benchmark::RegisterBenchmark((std::string(row.name) + "/output").c_str(),
                               [&row](benchmark::State& state) { to_pixels(state, row); });
}

}  // namespace fastconv::bench
