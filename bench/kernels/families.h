// One function a family: registers benchmarks of one row of the kernel table. main.cc calls them for all rows.
#pragma once

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "base/memory.h"
#include "kernels/table.h"

namespace fastconv::bench {

void bench_copy(const KernelInfo& row);
void bench_depthwise(const KernelInfo& row);
void bench_elementwise(const KernelInfo& row);
void bench_gemm(const KernelInfo& row);
void bench_normalize(const KernelInfo& row);
void bench_pool(const KernelInfo& row);
void bench_quantize(const KernelInfo& row);
void bench_reduce(const KernelInfo& row);
void bench_resize(const KernelInfo& row);
void bench_winograd(const KernelInfo& row);

// The row as its family's own type: rows are listed by their base class, KernelInfo.
template <class Row>
const Row& as(const KernelInfo& row) {
  return static_cast<const Row&>(row);
}

// Aligned floats in [-1, 1): zeros would let the clock run higher than real data does.
inline AlignedArray<float> random_floats(int64_t count) {
  AlignedArray<float> values(count);
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> draw(-1, 1);
  for (int64_t i = 0; i < count; ++i) values[i] = draw(generator);
  return values;
}

// Reports `work` units a call as `name` per second, in billions.
inline void report(benchmark::State& state, const char* name, double work) {
  state.counters[name] = benchmark::Counter(work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace fastconv::bench
