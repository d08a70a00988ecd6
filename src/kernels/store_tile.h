// The epilogue on a register tile of accumulators, and its store: shared by the families that produce convolution
// outputs. Include after simd/<isa>.h and simd/math.h, in kernel files only.
#pragma once

#include "kernels/elementwise/apply.h"
#include "kernels/epilogue.h"

namespace fastconv {
namespace {

// The functions whose registers fit beside the accumulators: a tile applies them before it is stored.
inline bool applies_in_tile(FunctionCall call) {
  return at_most_clamps(call) || call.function == Function::hard_swish;
}

// The others run over rows just stored, which are in L1. Out of line: one copy of all functions, not one in each tile
// size.
__attribute__((noinline)) void apply_rows(FunctionCall call, float* dst, int64_t stride, int64_t rows, int64_t n) {
  if (applies_in_tile(call)) return;
  if (stride == n) {  // rows may be narrower than a vector: take them as one
    n *= rows;
    rows = 1;
  }
  simd::apply_rows(call, dst, stride, dst, stride, rows, n);
}

// Adds bias and residual, applies the tile's functions, and stores the first `rows` rows of acc. All pointers are those
// of the tile's first column and row; with kEdge, the last vector of a row has only `last` columns. Other functions are
// left to apply_rows.
template <bool kEdge, int MR, int NV>
[[gnu::always_inline]] inline void store_tile(simd::Vec (&acc)[MR][NV], const Epilogue& e, float* dst,
                                              int64_t dst_stride, int64_t rows, int64_t last) {
  constexpr int W = simd::Vec::kWidth;
  auto load = [&](const float* p, int j) {
    return kEdge && j == NV - 1 ? simd::load_n(p + j * W, last) : simd::load(p + j * W);
  };
  if (e.bias) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const simd::Vec bias = load(e.bias, j);
#pragma GCC unroll 32
      for (int i = 0; i < MR; ++i) acc[i][j] = simd::add(acc[i][j], bias);
    }
  }
  if (e.residual) {
#pragma GCC unroll 32
    for (int i = 0; i < MR; ++i) {
      if (i >= rows) break;
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) acc[i][j] = simd::add(acc[i][j], load(e.residual + i * e.residual_stride, j));
    }
  }
  const auto apply = [&](const auto& function) __attribute__((always_inline)) {
#pragma GCC unroll 32
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) acc[i][j] = function(acc[i][j]);
    }
  };
  if (e.call.function == Function::clamp) {
    const simd::Vec low = simd::broadcast(e.call.a), high = simd::broadcast(e.call.b);
    apply([&](simd::Vec x) { return simd::min(high, simd::max(low, x)); });
  } else if (e.call.function == Function::hard_swish) {
    apply([](simd::Vec x) { return simd::hard_swish(x); });
  }
#pragma GCC unroll 32
  for (int i = 0; i < MR; ++i) {
    if (i >= rows) break;
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      float* p = dst + i * dst_stride + j * W;
      if (kEdge && j == NV - 1) {
        simd::store_n(p, acc[i][j], last);
      } else if (e.stream) {
        simd::stream(p, acc[i][j]);
      } else {
        simd::store(p, acc[i][j]);
      }
    }
  }
}

}  // namespace
}  // namespace fastconv
