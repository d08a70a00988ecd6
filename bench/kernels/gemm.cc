// Tap-GEMM on one panel: nine taps of 64 channels (a 3x3 convolution's inner problem) and one tap of 256 (a pointwise
// one's), each over 56 rows.
#include "kernels/gemm/table.h"

#include <string>

#include "bench/kernels/families.h"
#include "kernels/gemm/pack.h"

namespace fastconv::bench {
namespace {

void run(benchmark::State& state, const GemmF32Kernel& row, int64_t taps, int64_t k) {
  constexpr int64_t kRows = 56;
  const AlignedArray<float> src = random_floats((kRows + taps) * k);
  const AlignedArray<float> weights = random_floats(packed_size(taps * k, row.nr, row.packed_nr));
  AlignedArray<float> dst(kRows * row.nr);
  std::vector<Tap> list;
  for (int64_t t = 0; t < taps; ++t) list.push_back({t * k, t * k * row.packed_nr});
  GemmF32Args args{};
  args.src = src.data();
  args.row_stride = args.k = k;
  args.taps = list.data();
  args.tap_count = taps;
  args.weights = weights.data();
  args.column_stride = taps * k;
  args.m = kRows;
  args.n = args.dst_stride = row.nr;
  args.dst = dst.data();
  for (auto _ : state) {
    row.fn(args);
    benchmark::ClobberMemory();
  }
  report(state, "GF", 2.0 * static_cast<double>(kRows * row.nr * taps * k));
}

}  // namespace

void bench_gemm(const KernelInfo& info) {
  const auto& row = as<GemmF32Kernel>(info);
  benchmark::RegisterBenchmark((std::string(row.name) + "/taps:9/k:64").c_str(),
                               [&row](benchmark::State& state) { run(state, row, 9, 64); });
  benchmark::RegisterBenchmark((std::string(row.name) + "/taps:1/k:256").c_str(),
                               [&row](benchmark::State& state) { run(state, row, 1, 256); });
}

}  // namespace fastconv::bench
