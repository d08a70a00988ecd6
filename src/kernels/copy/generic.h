// The blocked transpose of 4-byte elements, on a W x W register transpose `transpose_block` that each ISA file defines
// before it includes this. Whole blocks read and write whole vectors, edges the lanes they own, except that in a dense
// destination with few rows (an image's three colours) a column may write over the next ones, which come later.
//
//   src (row stride)            dst (column stride)
//   r0: a b c d                 c0: a e i m
//   r1: e f g h   -> block ->   c1: b f j n
//   r2: i j k l                 c2: c g k o
//   r3: m n o p                 c3: d h l p
#pragma once

#include "kernels/copy/copy.h"

namespace fastconv {
namespace {

inline void transpose_panel(const CopyPanel& p) {
  constexpr int64_t W = simd::Vec::kWidth;
  const float* src = reinterpret_cast<const float*>(p.src);
  float* dst = reinterpret_cast<float*>(p.dst);
  const bool dense = p.rows < W && p.dst_col == p.rows;
  for (int64_t c = 0; c < p.cols; c += W) {
    const int64_t cols = p.cols - c < W ? p.cols - c : W;
    for (int64_t r = 0; r < p.rows; r += W) {
      const int64_t rows = p.rows - r < W ? p.rows - r : W;
      const float* from = src + r * p.src_row + c;
      float* to = dst + c * p.dst_col + r;
      simd::Vec block[W];
      if (rows == W && cols == W) {
#pragma GCC unroll 16
        for (int64_t i = 0; i < W; ++i) block[i] = simd::load(from + i * p.src_row);
        transpose_block(block);
#pragma GCC unroll 16
        for (int64_t i = 0; i < W; ++i) simd::store(to + i * p.dst_col, block[i]);
      } else {
        for (int64_t i = 0; i < W; ++i) block[i] = i < rows ? simd::load_n(from + i * p.src_row, cols) : simd::zero();
        transpose_block(block);
        if (dense && c + 2 * W <= p.cols) {
          for (int64_t i = 0; i < W; ++i) simd::store(to + i * p.dst_col, block[i]);
        } else {
          for (int64_t i = 0; i < cols; ++i) simd::store_n(to + i * p.dst_col, block[i], rows);
        }
      }
    }
  }
}

}  // namespace
}  // namespace fastconv
