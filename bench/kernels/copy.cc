// Copies of a 64 x 256 panel: straight, or with rows and columns swapped where that is the kernel's business.
#include "kernels/copy/copy.h"

#include <string>

#include "bench/kernels/families.h"

namespace fastconv::bench {
namespace {

// The size in "copy_x8__scalar"; 4 for kernels of any size.
int64_t element_size(const std::string& name) {
  const size_t x = name.find("_x");
  return x == std::string::npos ? 4 : name[x + 2] - '0';
}

}  // namespace

void bench_copy(const KernelInfo& info) {
  const auto& row = as<Kernel<CopyFn>>(info);
  benchmark::RegisterBenchmark(row.name, [&row](benchmark::State& state) {
    constexpr int64_t kRows = 64, kColumns = 256;
    const std::string name = row.name;
    const bool straight = name.rfind("copy_runs", 0) == 0;
    const int64_t size = element_size(name);
    AlignedArray<char> src(kRows * kColumns * size), dst(kRows * kColumns * size);
    for (int64_t i = 0; i < src.size(); ++i) src[i] = static_cast<char>(i);
    CopyPanel panel{src.data(), dst.data(), kRows, kColumns, 1, kRows, kColumns, 1, size};
    if (straight) panel.src_row = kColumns, panel.src_col = 1;
    if (name.rfind("transpose", 0) == 0) {  // its own convention: columns lie together in src, rows in dst
      panel.src_row = kColumns, panel.src_col = 1;
      panel.dst_row = 1, panel.dst_col = kRows;
    }
    for (auto _ : state) {
      row.fn(panel);
      benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * kRows * kColumns * size);
  });
}

}  // namespace fastconv::bench
