// The pool family: a maximum or a mean over a window of each channel, NHWC float32, 1-D to 3-D seen as 3-D with leading
// ones. A window is one span an axis, so strides, dilation, padding, ceil_mode and torch's adaptive bins are all in the
// tables of spans made while planning, and the kernels only add or compare. Start reading at PoolSpan.
#pragma once

#include <cstdint>
#include <vector>

#include "base/cpu.h"
#include "kernels/table.h"

namespace fastconv {

// The part of one axis that an output position pools: cells first, first + step ... (`taps` of them, inside the image).
struct PoolSpan {
  int64_t first;
  int64_t taps;
  int64_t counted;  // the axis' factor in a mean's divisor
};

// All output positions of one axis.
struct PoolAxis {
  int64_t size = 1;  // of the image
  int64_t step = 1;  // cells between taps: the dilation
  std::vector<PoolSpan> spans{{0, 1, 1}};
};

// Windows of `kernel` cells every `stride`; cells of the padding count in a mean where count_padding.
PoolAxis window_axis(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_begin,
                     int64_t pad_end, bool count_padding);
// torch's bins: output i of n pools the cells from floor(i size / n) up to ceil((i + 1) size / n).
PoolAxis adaptive_axis(int64_t size, int64_t out);

// The kernels' contract: a piece of one output row, `count` pixels of `channels` values.
//   dst[p, c] = reduce over taps (d, h, w) of span_d x span_h x span_w[p]:  src[position, c]
// Mean: the sum divided by `divisor`, or where that is 0 by the product of the spans' `counted` (at least 1).
// Max: NaN wins; an empty window gives -Inf. max_pool_index also writes indices[p, c] = place + c * index_channel
// with place = sum over axes of position * index_stride: the first of equal maxima, the last of NaNs (as torch).
struct PoolRow {
  const float* src;  // one image
  float* dst;
  int64_t count, channels;
  PoolSpan span_d, span_h;
  const PoolSpan* span_w;
  int64_t dst_pixel, index_pixel;  // elements between output pixels
  int64_t step[3];                 // cells between taps
  int64_t src_stride[3];           // elements between cells
  int64_t divisor;
  int64_t fetch;  // values from those read to those fetched meanwhile; 0: none
  int64_t* indices;
  int64_t index_stride[3];
  int64_t index_base, index_channel;
};
using PoolFn = void(const PoolRow&) noexcept;

#define FASTCONV_POOL(kind, name, isa) PoolFn name;
#include "kernels/pool/kernels.inc"
#undef FASTCONV_POOL

enum class PoolKind { max, max_index, mean };

// Which number an index is: in the flat plane of its channel, or in the flat (N, C, spatial) tensor; with the last
// spatial axis innermost, or (column_major) the first.
struct PoolIndices {
  bool whole_tensor = false;
  bool column_major = false;
};

// Elements from one pixel to the next; 0: dense (the channels).
struct PoolPixels {
  int64_t src = 0, dst = 0, indices = 0;
};

// A pooling made ready. Immutable; run() may be called from many threads.
class PoolPlan {
 public:
  // axes: depth, height, width. divisor: of a mean, 0 for the number of cells counted.
  PoolPlan(PoolKind kind, int64_t batch, int64_t channels, PoolAxis depth, PoolAxis height, PoolAxis width,
           int64_t divisor = 0, PoolIndices indices = {}, PoolPixels pixels = {}, Isa isa = active_isa());

  // src, dst: NHWC; indices as dst, for max_index alone.
  void run(const float* src, float* dst, int64_t* indices = nullptr) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<PoolFn>* kernel_;
  int64_t batch_, channels_;
  PoolAxis axes_[3];
  PoolRow row_{};            // what all rows share
  int64_t index_image_ = 0;  // from one image's indices to the next's
};

}  // namespace fastconv
