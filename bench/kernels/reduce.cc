// Sums along rows or columns of 49 x 512 values (a global pool's size).
#include "kernels/reduce/reduce.h"

#include "bench/kernels/families.h"

namespace fastconv::bench {

void bench_reduce(const KernelInfo& info) {
  const auto& row = as<Kernel<ReduceFn>>(info);
  benchmark::RegisterBenchmark(row.name, [&row](benchmark::State& state) {
    constexpr int64_t kRows = 49, kColumns = 512;
    const AlignedArray<float> x = random_floats(kRows * kColumns);
    AlignedArray<float> y(kColumns);
    const ReducePanel panel{Reducer::sum, x.data(), nullptr, y.data(), kRows, kColumns, kColumns};
    for (auto _ : state) {
      row.fn(panel);
      benchmark::ClobberMemory();
    }
    report(state, "Gvalues", static_cast<double>(kRows * kColumns));
  });
}

}  // namespace fastconv::bench
