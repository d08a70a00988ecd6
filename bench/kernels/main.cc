// Benchmarks every row of the kernel table that this processor can run. A family without a benchmark is an error: a
// new one brings its file and its line here.
#include <cstdio>
#include <cstring>

#include "bench/kernels/families.h"

namespace {

using namespace fastconv;

const struct {
  const char* family;
  void (*add)(const KernelInfo&);
} kFamilies[] = {
    {"copy", bench::bench_copy},
    {"depthwise", bench::bench_depthwise},
    {"elementwise", bench::bench_elementwise},
    {"gemm", bench::bench_gemm},
    {"normalize", bench::bench_normalize},
    {"pool", bench::bench_pool},
    {"quantize", bench::bench_quantize},
    {"reduce", bench::bench_reduce},
    {"reference", [](const KernelInfo&) {}},  // slow on purpose
    {"resize", bench::bench_resize},
    {"winograd", bench::bench_winograd},
};

bool add(const KernelInfo& row) {
  for (const auto& entry : kFamilies) {
    if (std::strcmp(entry.family, row.family) == 0) {
      entry.add(row);
      return true;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const KernelInfo* row : all_kernels()) {
    if (row->isa > cpu_info().best) continue;
    if (!add(*row)) {
      std::fprintf(stderr, "bench_kernels: family %s of %s has no benchmark\n", row->family, row->name);
      return 1;
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
