// Depthwise convolution of rows of pixels, and grouped convolution with few channels a group: the contract. Output
// channels are vector lanes. A group has as many inputs as outputs, one in the depthwise case.
//
//   dst[m, c] = epilogue( sum over rows r, sum over inputs j of the group, sum over taps t:
//                         src[rows[r].src + x * pixel + c / group * group + j]
//                         * weights[rows[r].weights + taps[t].weights + j * 16 + c / 16 * 16 * window + c % 16] )
//   with x = taps[t].x + (first + m) * step, over the taps with 0 <= x < width only
//
// One call computes `m` outputs of one row. Rows of taps come from the kernel's depth and height (their caller drops
// those in the padding); the kernel itself drops taps that fall beside the row, so that nobody copies a padded source.
// Sums run over rows in order, then inputs, then taps, in one accumulator per output: splitting outputs or channels
// never changes a bit.
// Read next: generic.h (the kernel), conv/depthwise.cc (who calls it).
#pragma once

#include <cstdint>

#include "kernels/epilogue.h"

namespace fastconv {

// Channels of a panel of weights: no kernel's vectors are longer. All weights of a vector of outputs lie together: one
// row of all channels for each tap would put them a power of two apart, in one set of the cache.
inline constexpr int64_t kDepthwiseLanes = 16;

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
  int64_t group = 1;     // channels of a group: a power of two
  const float* weights;  // panels of kDepthwiseLanes channels, the last one filled with zeros
  int64_t window;        // weights of an output channel
  int64_t first;         // the first output, counted in the row
  int64_t m;             // outputs, >= 0
  int64_t channels;      // whole groups
  bool fetch = false;    // fetch each next tile's pixels and outputs: where they come from beyond L2
  float* dst;            // of the first output; not read, unless epilogue.residual says so
  int64_t dst_stride;    // elements between outputs
  Epilogue epilogue;
};

using DepthwiseF32Fn = void(const DepthwiseF32Args&);

}  // namespace fastconv
