// The tap-GEMM kernel for few columns, written once on the vector type of src/simd/<isa>.h. Included by the family's
// ISA files only.
//
// Columns that are fewer than a vector's lanes would leave those of generic.h empty. Here the lanes lie along k: each
// step loads a vector of products' sources for each of MR rows and one of weights for each of N columns, and the lanes
// of an accumulator are summed when all taps are done:
//
//                  w[column 0, k..k+W)  w[column 1, k..k+W) ...
//   src[row 0, k..k+W)  [ acc 0,0 ]          [ acc 0,1 ]
//   src[row 1, k..k+W)  [ acc 1,0 ]          [ acc 1,1 ]
//
// A column's weights lie one behind another (see pack.h). Fewer columns leave registers to more rows.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/store_tile.h"

namespace fastconv {
namespace {

inline constexpr int kFewColumns = 4;  // what simd::reduce_add sums at a time

template <int MR, int N>
struct FewTile {
  using Vec = simd::Vec;
  static constexpr int W = Vec::kWidth;

  static void run(const GemmF32Args& a, int64_t first_row) {
    const int64_t rs = a.row_stride, whole = a.k / W * W, rest = a.k - whole;
    const float* src = a.src + first_row * rs;
    Vec acc[MR][N];
#pragma GCC unroll 32
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) acc[i][j] = simd::zero();
    }
    for (int64_t t = 0; t < a.tap_count; ++t) {
      const float* x = src + a.taps[t].src;
      const float* w = a.weights + a.taps[t].weights;
      const auto step = [&](int64_t k, const auto& load) __attribute__((always_inline)) {
        Vec b[N];
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) b[j] = load(w + j * a.panel_stride + k);
#pragma GCC unroll 32
        for (int i = 0; i < MR; ++i) {
          const Vec row = load(x + i * rs + k);
#pragma GCC unroll 4
          for (int j = 0; j < N; ++j) acc[i][j] = simd::fma(row, b[j], acc[i][j]);
        }
      };
      for (int64_t k = 0; k < whole; k += W) step(k, [](const float* p) { return simd::load(p); });
      if (rest) step(whole, [rest](const float* p) { return simd::load_n(p, rest); });
    }
    Vec sums[MR][1];
#pragma GCC unroll 32
    for (int i = 0; i < MR; ++i) sums[i][0] = simd::reduce_add(acc[i][0], acc[i][1 % N], acc[i][2 % N], acc[i][3 % N]);
    Epilogue epilogue = a.epilogue;
    if (epilogue.residual) epilogue.residual += first_row * epilogue.residual_stride;
    store_tile<true>(sums, epilogue, a.dst + first_row * a.dst_stride, a.dst_stride, MR, N);
  }
};

// Calls FewTile<rows, N>::run for a run-time number of rows in [1, MR].
template <int MR, int N>
void few_rows(const GemmF32Args& a, int64_t first_row, int64_t rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return few_rows<MR - 1, N>(a, first_row, rows);
  }
  FewTile<MR, N>::run(a, first_row);
}

template <int MR, int N>
void few_columns(const GemmF32Args& a) {
  const int64_t tiles = (a.m + MR - 1) / MR;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = a.m * t / tiles, end = a.m * (t + 1) / tiles;
    few_rows<MR, N>(a, begin, end - begin);
  }
}

template <int MR>
void gemm_few_f32(const GemmF32Args& a) {
  switch (a.n) {
    case 1:
      few_columns<2 * MR, 1>(a);
      break;
    case 2:
      few_columns<2 * MR, 2>(a);
      break;
    case 3:
      few_columns<4 * MR / 3, 3>(a);
      break;
    default:
      few_columns<MR, 4>(a);
      break;
  }
  apply_rows(a.epilogue.call, a.dst, a.dst_stride, a.m, a.n);
}

}  // namespace
}  // namespace fastconv
