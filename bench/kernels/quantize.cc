// Conversion of a matrix that stays in the second cache, of whole vectors and of an image's three colours.
#include "kernels/quantize/quantize.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

void run(benchmark::State& state, const Kernel<QuantizeBf16Fn>& row, int64_t rows, int64_t columns, int pieces) {
  const int64_t pairs = (columns + 1) / 2;
  const AlignedArray<float> src = random_floats(rows * columns);
  AlignedArray<Bf16Pair> dst(pieces * rows * pairs);
  for (auto _ : state) {
    row.fn({src.data(), columns, dst.data(), pairs, rows, columns, pieces, rows * pairs});
    benchmark::ClobberMemory();
  }
  report(state, "G", static_cast<double>(rows * columns));
}

}  // namespace

void bench_quantize(const KernelInfo& info) {
  const auto& row = as<Kernel<QuantizeBf16Fn>>(info);
  for (int pieces = 1; pieces <= kMostPieces; ++pieces) {
    const std::string name = std::string(row.name) + "/pieces:" + std::to_string(pieces);
    benchmark::RegisterBenchmark((name + "/columns:256").c_str(),
                                 [&row, pieces](benchmark::State& state) { run(state, row, 224, 256, pieces); });
    benchmark::RegisterBenchmark((name + "/columns:3").c_str(),
                                 [&row, pieces](benchmark::State& state) { run(state, row, 224 * 64, 3, pieces); });
  }
}

}  // namespace fastconv::bench
