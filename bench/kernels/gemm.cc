// Tap-GEMM on one panel: nine taps of 64 channels (a 3x3 convolution's inner problem) and one tap of 256 (a pointwise
// one's), each over 56 rows.
#include "kernels/gemm/table.h"

#include <string>

#include "bench/kernels/families.h"
#include "kernels/gemm/pack.h"

namespace fastconv::bench {
namespace {

template <class Element>
AlignedArray<Element> random_elements(int64_t count) {
  if constexpr (kProducts<Element> == 1) {
    return random_floats(count);
  } else {
    const AlignedArray<float> values = random_floats(2 * count);
    AlignedArray<Element> pairs(count);
    for (int64_t i = 0; i < count; ++i) pairs[i] = {to_bf16(values[2 * i]), to_bf16(values[2 * i + 1])};
    return pairs;
  }
}

template <class Element>
void run(benchmark::State& state, const GemmKernel<Element>& row, int64_t taps, int64_t products) {
  constexpr int64_t kRows = 56;
  const int64_t k = products / kProducts<Element>;
  const AlignedArray<Element> src = random_elements<Element>((kRows + taps) * k);
  const AlignedArray<Element> weights = random_elements<Element>(packed_size(taps * k, row.nr, row.packed_nr));
  AlignedArray<float> dst(kRows * row.nr);
  std::vector<Tap> list;
  for (int64_t t = 0; t < taps; ++t) list.push_back({t * k, t * k * row.packed_nr});
  GemmArgs<Element> args{};
  args.src = src.data();
  args.row_stride = args.k = k;
  args.taps = list.data();
  args.tap_count = taps;
  args.weights = weights.data();
  args.panel_stride = taps * k * row.packed_nr;
  args.m = kRows;
  args.n = args.dst_stride = row.nr;
  args.dst = dst.data();
  for (auto _ : state) {
    row.fn(args);
    benchmark::ClobberMemory();
  }
  report(state, "GF", 2.0 * static_cast<double>(kRows * row.nr * taps * products));
}

template <class Element>
void add(const GemmKernel<Element>& row) {
  benchmark::RegisterBenchmark((std::string(row.name) + "/taps:9/k:64").c_str(),
                               [&row](benchmark::State& state) { run(state, row, 9, 64); });
  benchmark::RegisterBenchmark((std::string(row.name) + "/taps:1/k:256").c_str(),
                               [&row](benchmark::State& state) { run(state, row, 1, 256); });
}

}  // namespace

void bench_gemm(const KernelInfo& info) {
  if (std::string(info.name).rfind("gemm_bf16", 0) == 0) {
    add(as<GemmBf16Kernel>(info));
  } else {
    add(as<GemmF32Kernel>(info));
  }
}

}  // namespace fastconv::bench
