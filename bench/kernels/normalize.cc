// Softmax of 64 x 256 values along both axes, their normalisation, and LRN over a window of five of 64 channels.
#include "kernels/normalize/normalize.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

constexpr int64_t kRows = 64, kColumns = 256;

// Times fn(panel), and reports the values of one call.
template <class Row, class Panel>
void measure(benchmark::State& state, const Row& row, const Panel& panel) {
  for (auto _ : state) {
    row.fn(panel);
    benchmark::ClobberMemory();
  }
  report(state, "Gvalues", kRows * kColumns);
}

void lrn(benchmark::State& state, const Kernel<LrnFn>& row) {
  const AlignedArray<float> x = random_floats((kRows + 4) * kColumns);
  AlignedArray<float> y(kRows * kColumns);
  for (auto _ : state) {
    for (int64_t c = 0; c < kRows; ++c) {
      row.fn({x.data() + (c + 2) * kColumns, y.data() + c * kColumns, kColumns, kColumns, -2, 2, 1e-4f, 0.75f, 1.0f});
    }
    benchmark::ClobberMemory();
  }
  report(state, "Gvalues", kRows * kColumns);
}

}  // namespace

void bench_normalize(const KernelInfo& info) {
  const std::string name = info.name;
  benchmark::RegisterBenchmark(info.name, [&info, name](benchmark::State& state) {
    if (name.rfind("lrn", 0) == 0) return lrn(state, as<Kernel<LrnFn>>(info));
    const AlignedArray<float> x = random_floats(kRows * kColumns), statistics = random_floats(kColumns);
    AlignedArray<float> y(kRows * kColumns);
    const float* s = statistics.data();
    if (name.rfind("softmax", 0) == 0) {
      measure(state, as<Kernel<SoftmaxFn>>(info), SoftmaxPanel{x.data(), y.data(), kRows, kColumns, kColumns, false});
    } else {
      measure(state, as<Kernel<NormalizeFn>>(info),
              NormalizePanel{x.data(), y.data(), kRows, kColumns, kColumns, s, s, 0, 1, s, s, 0, 1});
    }
  });
}

}  // namespace fastconv::bench
