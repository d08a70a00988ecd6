// Elementwise functions on 4096 values: the cheapest, and one with an exponential; and an addition.
#include "kernels/elementwise/elementwise.h"

#include <cstring>
#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

constexpr int64_t kCount = 4096;

void unary(benchmark::State& state, const Kernel<UnaryFn>& row, FunctionCall call) {
  const AlignedArray<float> x = random_floats(kCount);
  AlignedArray<float> y(kCount);
  for (auto _ : state) {
    row.fn({call, x.data(), y.data(), kCount});
    benchmark::ClobberMemory();
  }
  report(state, "Gvalues", kCount);
}

void binary(benchmark::State& state, const Kernel<BinaryFn>& row) {
  const AlignedArray<float> a = random_floats(kCount), b = random_floats(kCount);
  AlignedArray<float> y(kCount);
  const BinaryPanel panel{BinaryFunction::add, a.data(), b.data(), y.data(), 1, kCount, 0, 0, 0, 1, 1};
  for (auto _ : state) {
    row.fn(panel);
    benchmark::ClobberMemory();
  }
  report(state, "Gvalues", kCount);
}

}  // namespace

void bench_elementwise(const KernelInfo& info) {
  const std::string name = info.name;
  if (name.rfind("binary", 0) == 0) {
    const auto& row = as<Kernel<BinaryFn>>(info);
    benchmark::RegisterBenchmark((name + "/add").c_str(), [&row](benchmark::State& state) { binary(state, row); });
    return;
  }
  const auto& row = as<Kernel<UnaryFn>>(info);
  benchmark::RegisterBenchmark((name + "/relu").c_str(), [&row](benchmark::State& state) { unary(state, row, kRelu); });
  benchmark::RegisterBenchmark((name + "/sigmoid").c_str(),
                               [&row](benchmark::State& state) { unary(state, row, {Function::sigmoid, 0, 0}); });
}

}  // namespace fastconv::bench
