// Tap-GEMM: the contract that every dense convolution and matrix product runs on.
//
//   dst[m, j] = epilogue( sum over taps t, sum over k:  src[taps[t].src + m * row_stride + k] * w[taps[t].weights + k *
//   NR + j] )
//
// One call computes one panel of at most NR columns, or the last one and the only vector of columns behind it, for any
// number of rows; the kernel splits rows into register tiles of at most MR and owns both edges. Sums run over taps in
// order, then k in order, in one accumulator per output: splitting work among threads or batches never changes a bit.
// Elements are float32, or pairs of bfloat16 (base/bf16.h): then k counts pairs, and so do strides and offsets of src
// and w; dst is float32 always.
// A kernel for few columns reads w as [column][k] instead, panels of one column each, and sums each lane of k alone.
// Read next: generic.h and few.h (the kernels), pack.h (the layout of w), schedule.h (who calls it over a whole
// matrix).
#pragma once

#include <cstdint>

#include "base/bf16.h"
#include "kernels/epilogue.h"

namespace fastconv {

// Vectors of a panel's width, where the lanes are columns.
inline constexpr int kPanelVectors = 2;

// Rows of a register tile that is a vector wider than a panel, as many accumulators as one of `mr` rows has.
inline constexpr int wide_rows(int mr) {
  return kPanelVectors * mr / (kPanelVectors + 1);
}

// Rows of a register tile of so many whole vectors and one that holds the last columns of two rows: an even number,
// whose accumulators leave registers for a row's value and two rows' beside those of a tile of `mr` rows.
inline constexpr int half_rows(int mr, int whole) {
  return 2 * (kPanelVectors * (mr - 1) / (2 * whole + 1));
}

// Offsets, in elements, of a tap's first source row and of its weights inside a panel.
struct Tap {
  int64_t src;
  int64_t weights;
};

// Products of the same extents, one behind the other: sources, weights and outputs lie so many elements apart.
struct GemmBatch {
  int64_t count = 1, src = 0, weights = 0, dst = 0;
};

template <class Element>
struct GemmArgs {
  const Element* src;
  int64_t row_stride;  // elements between source rows
  const Tap* taps;
  int64_t tap_count;
  int64_t k;               // products per tap
  const Element* weights;  // this panel: rows of NR elements, padded with zeros, 64-byte aligned; few: columns
  int64_t m;               // rows, >= 0
  int64_t n;               // columns, 1 <= n <= NR; not few: NR and a vector more
  float* dst;              // not read, unless epilogue.residual says so
  int64_t dst_stride;      // elements between output rows
  Epilogue epilogue;
  int64_t panel_stride = 0;   // elements from a panel of weights to the next; few: from a column
  int64_t fetch_ahead = 0;    // the first tile fetches weights so many elements further on; 0: none
  bool fetch_source = false;  // fetch the rows after each tile's: where src, dense and read once, is beyond L2
  GemmBatch batch{};          // one product, unless the kernel is of float32 and not few
};

template <class Element>
using GemmFn = void(const GemmArgs<Element>&);

// Numbers in an element: the products that a lane makes at once.
template <class Element>
inline constexpr int kProducts = 1;
template <>
inline constexpr int kProducts<Bf16Pair> = 2;

// Whether last columns of at most half a vector of so many lanes are computed two rows in a vector. 1x1, 144 channels
// at 56x56 to 24: 112 us and 87; 96 to 40: 111 and 96 (AVX-512, the kernel alone). Not so in portable code: 24@14 to 10
// 12.9 us and 14.7. Zen 5, one thread, November 2026, old and new library in turns.
template <class Element>
constexpr bool has_half_tiles(int64_t lanes) {
  return kProducts<Element> == 1 && lanes > 4;
}

using GemmF32Args = GemmArgs<float>;
using GemmF32Fn = GemmFn<float>;
using GemmBf16Args = GemmArgs<Bf16Pair>;
using GemmBf16Fn = GemmFn<Bf16Pair>;

}  // namespace fastconv
