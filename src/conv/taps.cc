#include "conv/taps.h"

#include <algorithm>

#include "base/checks.h"

namespace fastconv {
namespace {

// Keeps the tap if some output reads a source position inside [0, extent) through it.
void add_tap(AxisTaps& taps, int64_t kernel_index, int64_t base, int64_t extent) {
  const int64_t last = base + (taps.count - 1) * taps.src_step;
  if (base >= extent || last < 0) return;
  // Steps may jump over the source altogether: look at the first position that is not before it.
  const int64_t skipped = base < 0 ? (-base + taps.src_step - 1) / taps.src_step : 0;
  if (base + skipped * taps.src_step >= extent) return;
  taps.kernel_index.push_back(kernel_index);
  taps.base.push_back(base);
}

}  // namespace

AxisTaps::Range AxisTaps::inside(int64_t j, int64_t extent) const {
  const int64_t shift = j * src_step;
  const auto first = std::lower_bound(base.begin(), base.end(), -shift);
  const auto last = std::lower_bound(first, base.end(), extent - shift);
  return {first - base.begin(), last - base.begin()};
}

int64_t AxisTaps::alike(int64_t j, int64_t extent) const {
  int64_t end = count;
  for (const int64_t first : base) {
    // The outputs at which a tap enters the image, and leaves it.
    for (const int64_t edge : {ceil_div(-first, src_step), ceil_div(extent - first, src_step)}) {
      if (edge > j) end = std::min(end, edge);
    }
  }
  return end;
}

std::vector<AxisTaps> axis_phases(const ConvProblem& p, int axis) {
  const int64_t in = p.in[axis], out = p.out[axis], kernel = p.kernel[axis];
  const int64_t stride = p.stride[axis], dilation = p.dilation[axis], pad = p.pad_begin[axis];
  std::vector<AxisTaps> phases;
  if (!p.transposed) {
    AxisTaps taps;
    taps.count = out;
    taps.src_step = stride;
    for (int64_t r = 0; r < kernel; ++r) add_tap(taps, r, r * dilation - pad, in);
    phases.push_back(std::move(taps));
    return phases;
  }
  // Output o receives input i through tap r where o = i * stride + r * dilation - pad.
  for (int64_t phase = 0; phase < std::min(stride, out); ++phase) {
    AxisTaps taps;
    taps.out_begin = phase;
    taps.out_step = stride;
    taps.count = (out - phase + stride - 1) / stride;
    for (int64_t r = kernel - 1; r >= 0; --r) {  // falling r: rising base
      const int64_t position = phase + pad - r * dilation;
      if (position % stride == 0) add_tap(taps, r, position / stride, in);
    }
    phases.push_back(std::move(taps));
  }
  return phases;
}

std::vector<AxisTaps> stretches(const AxisTaps& phase, int64_t extent) {
  std::vector<AxisTaps> all;
  for (int64_t begin = 0, end; begin < phase.count; begin = end) {
    const AxisTaps::Range range = phase.inside(begin, extent);
    end = phase.alike(begin, extent);
    AxisTaps stretch{phase.out_begin + begin * phase.out_step, phase.out_step, end - begin, phase.src_step, {}, {}};
    for (int64_t t = range.first; t < range.last; ++t) {
      stretch.kernel_index.push_back(phase.kernel_index[t]);
      stretch.base.push_back(phase.base[t] + begin * phase.src_step);
    }
    all.push_back(std::move(stretch));
  }
  return all;
}

double inner_pairs(const ConvProblem& p, int axis) {
  double pairs = 0;
  for (const AxisTaps& taps : axis_phases(p, axis)) {
    for (const int64_t base : taps.base) {
      const int64_t first = std::max<int64_t>(0, ceil_div(-base, taps.src_step));
      pairs += static_cast<double>(std::min(taps.count, ceil_div(p.in[axis] - base, taps.src_step)) - first);
    }
  }
  return pairs;
}

}  // namespace fastconv
