// The layout of packed weights: panels of NR output columns; in a panel, rows of NR floats in the order of the
// products (taps outside, k inside). The last panel is filled with zeros. NR is the kernel's packed_nr: with 1, a
// column's weights lie one behind another.
//
//   packed[panel][tap * k_count + k][j],  column = panel * NR + j
//
// In bfloat16 a row holds pairs, of two neighbouring k; an odd last one is paired with zero. Weights split in pieces
// (split_bf16) have as many times the taps: all of the least piece, then those of the next larger, as they are
// multiplied (see for_products in split.h).
#pragma once

#include <cstdint>

#include "base/bf16.h"

namespace fastconv {

// A matrix as the packer sees it: element (tap, k, column) is at tap * tap_stride + k * k_stride + column *
// column_stride.
struct PackLayout {
  int64_t taps, tap_stride;
  int64_t k, k_stride;
  int64_t columns, column_stride;
  int pieces = 1;  // of a value; a float32 is one
};

inline constexpr int64_t packed_size(int64_t rows, int64_t columns, int64_t nr) {
  return (columns + nr - 1) / nr * rows * nr;
}

void pack(const PackLayout& layout, const float* src, int64_t nr, float* packed) noexcept;
void pack(const PackLayout& layout, const float* src, int64_t nr, Bf16Pair* packed) noexcept;
// The matrix again, bit for bit.
void unpack_f32(const PackLayout& layout, const float* packed, int64_t nr, float* dst) noexcept;

}  // namespace fastconv
