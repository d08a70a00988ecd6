#include "kernels/gemm/schedule.h"

#include "base/cpu.h"
#include "base/threads.h"

namespace fastconv {

bool gemm_streams(int64_t weight_bytes) noexcept {
  return weight_bytes > cpu_info().l2_bytes / 2;
}

int64_t gemm_fetch_ahead(int64_t panel_size) noexcept {
  constexpr int64_t kFar = 1 << 14;
  return std::min(panel_size, kFar);
}

int64_t gemm_block_rows(int64_t row_bytes, int64_t weight_bytes) noexcept {
  const int64_t budget = gemm_streams(weight_bytes) ? cpu_info().l2_bytes / 2 : cpu_info().l1d_bytes / 2;
  return std::max<int64_t>(budget / std::max<int64_t>(row_bytes, 1), 56);
}

Along gemm_along(int64_t weight_bytes, int64_t data_bytes) noexcept {
  return weight_bytes > data_bytes ? Along::columns : Along::rows;
}

template <class Element>
void gemm_matrix(const GemmKernel<Element>& kernel, const GemmArgs<Element>& args, int64_t rows) noexcept {
  if (args.m <= 0 || args.n <= 0) return;
  kernel.count_run();
  const int64_t calls = kernel.calls(args.n), tiles = (args.m + kernel.mr - 1) / kernel.mr;
  const int64_t row_bytes = rows * static_cast<int64_t>(sizeof(Element));
  const int64_t weight_bytes = (args.n + kernel.nr - 1) / kernel.nr * kernel.nr * row_bytes;
  const int64_t block = gemm_block_rows(row_bytes, weight_bytes);
  const bool streams = gemm_streams(weight_bytes);
  const int64_t call_stride = rows * kernel.nr;
  const Along along = gemm_along(weight_bytes, args.m * (row_bytes + args.n * static_cast<int64_t>(sizeof(float))));
  const int64_t tile_work = kernel.mr * kernel.nr * args.tap_count * args.k;
  parallel_grid(tiles, calls, product_grain(tile_work), along,
                [&](int64_t first_tile, int64_t last_tile, int64_t first_call, int64_t last_call) {
                  const int64_t end = std::min(last_tile * kernel.mr, args.m);
                  for (int64_t first = first_tile * kernel.mr; first < end; first += block) {
                    const bool fetches = streams || first == first_tile * kernel.mr;
                    for (int64_t call = first_call; call < last_call; ++call) {
                      GemmArgs<Element> part = args;
                      const int64_t column = call * kernel.nr;
                      part.n = kernel.call_columns(call, calls, args.n);
                      part.weights += call * call_stride;
                      part.panel_stride = rows * kernel.packed_nr;
                      part.dst += column;
                      if (part.epilogue.bias) part.epilogue.bias += column;
                      if (part.epilogue.residual) part.epilogue.residual += column;
                      part.m = std::min(block, end - first);
                      if (fetches && call + 1 < last_call) part.fetch_ahead = gemm_fetch_ahead(call_stride);
                      part.src += first * args.row_stride;
                      part.dst += first * args.dst_stride;
                      if (part.epilogue.residual) part.epilogue.residual += first * args.epilogue.residual_stride;
                      kernel.fn(part);
                    }
                  }
                });
}

template void gemm_matrix<float>(const GemmF32Kernel&, const GemmF32Args&, int64_t) noexcept;
template void gemm_matrix<Bf16Pair>(const GemmBf16Kernel&, const GemmBf16Args&, int64_t) noexcept;

}  // namespace fastconv
