// Depthwise convolution of rows of pixels: the contract. Channels are vector lanes; nothing is summed across them.
//
//   dst[m, c] = epilogue( sum over rows r, sum over taps t:  src[rows[r].src + x * pixel + c]
//                                                            * weights[rows[r].weights + taps[t].weights + c] )
//   with x = taps[t].x + (first + m) * step, over the taps with 0 <= x < width only
//
// One call computes `m` outputs of one row. Rows of taps come from the kernel's depth and height (their caller drops
// those in the padding); the kernel itself drops taps that fall beside the row, so that nobody copies a padded source.
// Sums run over rows in order, then taps in order, in one accumulator per output: splitting outputs or channels never
// changes a bit.
// Read next: generic.h (the kernel), conv/depthwise.cc (who calls it).
#pragma once

#include <cstdint>

#include "kernels/epilogue.h"

namespace fastconv {

// Offsets, in elements, of a source row's first pixel and of the row's weights.
struct TapRow {
  int64_t src;
  int64_t weights;
};

// A tap along the row: the source pixel that output 0 reads, and the offset of its weights.
struct RowTap {
  int64_t x;
  int64_t weights;
};

struct DepthwiseF32Args {
  const float* src;
  int64_t pixel;  // elements between source pixels
  int64_t width;  // pixels of a source row
  const TapRow* rows;
  int64_t row_count;
  const RowTap* taps;  // x ascending
  int64_t tap_count;
  int64_t step;          // source pixels from one output to the next
  const float* weights;  // rows padded with zeros to whole vectors
  int64_t first;         // the first output, counted in the row
  int64_t m;             // outputs, >= 0
  int64_t channels;
  float* dst;          // of the first output; not read, unless epilogue.residual says so
  int64_t dst_stride;  // elements between outputs
  Epilogue epilogue;
};

using DepthwiseF32Fn = void(const DepthwiseF32Args&);

}  // namespace fastconv
