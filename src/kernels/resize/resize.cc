// The resize family's table, and how tables of taps become passes over the data.
#include "kernels/resize/resize.h"

#include <algorithm>

#include "base/checks.h"
#include "base/threads.h"

namespace fastconv {
namespace {

const Kernel<ResizeFn> kRows[] = {
#define FASTCONV_RESIZE(name, isa) {#name, "resize", Isa::isa, name},
#include "kernels/resize/kernels.inc"
#undef FASTCONV_RESIZE
};
const RegisterKernels registered(kRows);

constexpr int64_t kJointTaps = 2;  // at most so many taps an axis where one pass takes all axes

bool is_identity(const ResizeAxis& axis) {
  if (axis.in != axis.out || axis.taps != 1 || !axis.outside.empty()) return false;
  for (int64_t i = 0; i < axis.out; ++i) {
    if (axis.index[i] != i) return false;
  }
  return true;
}

int64_t product(const std::vector<int64_t>& extents, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end; ++i) result = checked_mul(result, extents[i]);
  return result;
}

bool is_outside(const ResizeAxis& axis, int64_t position) {
  return !axis.outside.empty() && axis.outside[position];
}

}  // namespace

ResizePlan::ResizePlan(std::vector<ResizeAxis> axes, float extrapolation, int64_t dst_pixel, Isa isa)
    : kernel_(&choose_kernel(kRows, isa)), extrapolation_(extrapolation) {
  std::vector<int64_t> extents;  // of the data between passes
  size_t first = axes.size(), last = 0;
  int64_t most_taps = 1;
  for (size_t a = 0; a < axes.size(); ++a) {
    extents.push_back(axes[a].in);
    if (is_identity(axes[a])) continue;
    first = std::min(first, a);
    last = a;
    most_taps = std::max(most_taps, axes[a].taps);
  }
  if (dst_pixel > 0) {  // the last pass must tell pixels apart
    last = std::max(last, axes.size() - 2);
    first = std::min(first, last);
  }
  if (first == axes.size()) {  // nothing to resize: a plain copy, as one long pixel
    const int64_t count = product(extents, 0, extents.size());
    passes_.push_back({1, count, {}, {}, {}, {0}, count, count});
  } else if (last - first < 3 && most_taps <= kJointTaps) {
    add_pass(axes, first, last, extents);
  } else {
    for (size_t a = first; a <= last; ++a) {
      if (is_identity(axes[a]) && a != last) continue;
      add_pass(axes, a, a, extents);
      extents[a] = axes[a].out;
    }
  }
  if (dst_pixel > 0) {
    Pass& pass = passes_.back();
    const bool inside_pixel = last == axes.size() - 1;
    pass.dst_step = inside_pixel ? pass.inner : dst_pixel;
    pass.dst_line = inside_pixel ? dst_pixel : pass.width.out * dst_pixel;
  }
}

void ResizePlan::add_pass(const std::vector<ResizeAxis>& axes, size_t first, size_t last,
                          const std::vector<int64_t>& extents) {
  const int64_t inner = product(extents, last + 1, extents.size());
  Pass pass{product(extents, 0, first), inner, {}, {}, axes[last], {}, axes[last].out * inner, inner};
  if (last - first >= 1) pass.height = axes[last - 1];
  if (last - first >= 2) pass.depth = axes[last - 2];
  for (const int64_t i : pass.width.index) pass.col_offset.push_back(i * pass.inner);
  passes_.push_back(std::move(pass));
}

// Results between passes alternate between two buffers.
int64_t ResizePlan::workspace_bytes() const {
  int64_t largest = 0;
  for (size_t i = 0; i + 1 < passes_.size(); ++i) {
    largest = std::max(largest, passes_[i].outer * passes_[i].out_elements());
  }
  return 2 * round_up(largest * static_cast<int64_t>(sizeof(float)), 64);
}

void ResizePlan::run(const float* src, float* dst, void* workspace) const noexcept {
  kernel_->count_run();
  float* const buffers[2] = {static_cast<float*>(workspace),
                             reinterpret_cast<float*>(static_cast<char*>(workspace) + workspace_bytes() / 2)};
  for (size_t i = 0; i < passes_.size(); ++i) {
    float* to = i + 1 == passes_.size() ? dst : buffers[i % 2];
    run_pass(passes_[i], src, to);
    src = to;
  }
}

void ResizePlan::run_pass(const Pass& pass, const float* src, float* dst) const noexcept {
  const auto& [outer, inner, depth, height, width, col_offset, dst_line, dst_step] = pass;
  const int64_t row_in = width.in * inner;
  const int64_t pixels = outer * depth.out * height.out * width.out;
  const int64_t grain = std::max<int64_t>(1, (int64_t{8} << 10) / std::max<int64_t>(1, inner));
  parallel_for(pixels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end;) {
      const int64_t w = pixel % width.out, line = pixel / width.out;
      const int64_t h = line % height.out, d = line / height.out % depth.out, n = line / height.out / depth.out;
      int64_t row_offset[kJointTaps * kJointTaps];
      float row_weight[kJointTaps * kJointTaps];
      for (int64_t i = 0; i < depth.taps; ++i) {
        for (int64_t j = 0; j < height.taps; ++j) {
          const int64_t at_d = d * depth.taps + i, at_h = h * height.taps + j;
          row_offset[i * height.taps + j] = (depth.index[at_d] * height.in + height.index[at_h]) * row_in;
          row_weight[i * height.taps + j] = depth.weight[at_d] * height.weight[at_h];
        }
      }
      ResizeRow row;
      row.src = src + n * pass.in_elements();
      row.dst = dst + line * dst_line + w * dst_step;
      row.count = std::min(width.out - w, end - pixel);
      row.channels = inner;
      row.dst_pixel = dst_step;
      row.row_taps = depth.taps * height.taps;
      row.col_taps = width.taps;
      row.row_offset = row_offset;
      row.row_weight = row_weight;
      row.col_offset = &col_offset[w * width.taps];
      row.col_weight = &width.weight[w * width.taps];
      kernel_->fn(row);

      const bool row_outside = is_outside(depth, d) || is_outside(height, h);
      if (row_outside || !width.outside.empty()) {
        for (int64_t p = 0; p < row.count; ++p) {
          if (row_outside || is_outside(width, w + p)) std::fill_n(row.dst + p * dst_step, inner, extrapolation_);
        }
      }
      pixel += row.count;
    }
  });
}

}  // namespace fastconv
