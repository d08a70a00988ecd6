// The resize family: nearest, linear and cubic interpolation of float32 along any axes. Every mode is a table of taps
// (cell, weight) for each output position of an axis, made while planning; the kernels only sum taps.
// Start reading at ResizeRule, which makes tables, and ResizeRow, which uses them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/cpu.h"
#include "kernels/table.h"

namespace fastconv {

enum class ResizeMode { nearest, linear, cubic };
enum class ResizeCoordinate {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize
};
enum class ResizeNearest { round_prefer_floor, round_prefer_ceil, floor, ceil };

// How output positions become taps; ONNX's words.
struct ResizeRule {
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinate coordinate = ResizeCoordinate::half_pixel;
  ResizeNearest nearest = ResizeNearest::round_prefer_floor;
  double cubic_coeff_a = -0.75;
  bool exclude_outside = false;  // taps outside the image weigh nothing (else they show the edge)
  bool antialias = false;        // widen the window where the image shrinks
};

// One axis: where output position o gets its value from.
//   out[o] = sum over t < taps of weight[o taps + t] * in[index[o taps + t]]
struct ResizeAxis {
  int64_t in = 1, out = 1;
  int64_t taps = 1;
  std::vector<int64_t> index{0};
  std::vector<float> weight{1.0f};
  std::vector<bool> outside;  // positions that get the extrapolation value; empty: none

  static ResizeAxis identity(int64_t size);
};

// scale: output cells for an input cell. width: the output's exact size, in * scale, of which `out` is the rounded one.
// roi: the part of the axis shown, in [0, 1]; for tf_crop_and_resize alone.
ResizeAxis resize_axis(const ResizeRule& rule, int64_t in, int64_t out, double scale, double width,
                       double roi_begin = 0, double roi_end = 1);

// The kernels' contract: `count` pixels of `channels` values, each the weighted sum of row_taps x col_taps pixels.
//   dst[p, c] = sum_r row_weight[r] * sum_k col_weight[p, k] * src[row_offset[r] + col_offset[p, k] + c]
// With one row tap its weight is 1.
struct ResizeRow {
  const float* src;
  float* dst;
  int64_t count, channels;
  int64_t dst_pixel;  // elements between output pixels
  int64_t row_taps, col_taps;
  const int64_t* row_offset;
  const float* row_weight;
  const int64_t* col_offset;
  const float* col_weight;
};
using ResizeFn = void(const ResizeRow&) noexcept;

#define FASTCONV_RESIZE(name, isa) ResizeFn name;
#include "kernels/resize/kernels.inc"
#undef FASTCONV_RESIZE

// A resize made ready: passes over the data. Where each axis has at most two taps, one pass takes all axes at once;
// wider windows go axis by axis. Immutable; run() may be called from many threads.
class ResizePlan {
 public:
  // axes: one for each dimension of the (dense, row-major) tensor, identities among them. dst_pixel: elements from one
  // run of the last dimension to the next in the result; 0: dense.
  ResizePlan(std::vector<ResizeAxis> axes, float extrapolation = 0.0f, int64_t dst_pixel = 0, Isa isa = active_isa());

  int64_t workspace_bytes() const;
  void run(const float* src, float* dst, void* workspace) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  // (outer, depth, height, width, inner), of which the three in the middle are resized.
  struct Pass {
    int64_t outer, inner;
    ResizeAxis depth, height, width;
    std::vector<int64_t> col_offset;  // width.index in elements
    int64_t dst_line, dst_step;       // elements between lines and between pixels of the result
    int64_t in_elements() const { return depth.in * height.in * width.in * inner; }
    int64_t out_elements() const { return depth.out * height.out * width.out * inner; }
  };
  void add_pass(const std::vector<ResizeAxis>& axes, size_t first, size_t last, const std::vector<int64_t>& extents);
  void run_pass(const Pass& pass, const float* src, float* dst) const noexcept;

  const Kernel<ResizeFn>* kernel_;
  float extrapolation_;
  std::vector<Pass> passes_;
};

}  // namespace fastconv
