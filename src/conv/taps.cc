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

// The same outputs in stretches, each with those taps alone that fall inside [0, extent) for all of its outputs.
std::vector<AxisTaps> without_padding(const std::vector<AxisTaps>& phases, int64_t extent) {
  std::vector<AxisTaps> stretches;
  for (const AxisTaps& phase : phases) {
    for (int64_t begin = 0, end; begin < phase.count; begin = end) {
      const AxisTaps::Range range = phase.inside(begin, extent);
      for (end = begin + 1; end < phase.count; ++end) {
        const AxisTaps::Range next = phase.inside(end, extent);
        if (next.first != range.first || next.last != range.last) break;
      }
      AxisTaps stretch{phase.out_begin + begin * phase.out_step, phase.out_step, end - begin, phase.src_step, {}, {}};
      for (int64_t t = range.first; t < range.last; ++t) {
        stretch.kernel_index.push_back(phase.kernel_index[t]);
        stretch.base.push_back(phase.base[t] + begin * phase.src_step);
      }
      stretches.push_back(std::move(stretch));
    }
  }
  return stretches;
}

}  // namespace

AxisTaps::Range AxisTaps::inside(int64_t j, int64_t extent) const {
  const int64_t shift = j * src_step;
  const auto first = std::lower_bound(base.begin(), base.end(), -shift);
  const auto last = std::lower_bound(first, base.end(), extent - shift);
  return {first - base.begin(), last - base.begin()};
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

// In kernel widths. 3x3 64@56 to 3: 0.096 ms copied, 0.059 in stretches; 128@768 to 3: 70 for 62. Zen 5, one thread,
// November 2026: fastconv bench layers 1x64x56x56:3:3
constexpr int64_t kLongRow = 8;

// One tap: 1x1 2048@7 to 512, stride 2, padding 3, 0.185 ms for 0.121. Zen 5, one thread, November 2026.
// 3x3 256@33, rate 24, on tiles of 6: 11.4 ms for 5.6. Measured on one core of an EPYC (AVX2), November 2026:
// fastconv bench conv 1x256x33x33:256:3:d24 --threads 1
std::vector<AxisTaps> width_phases(const ConvProblem& p, int tile_rows, bool few) {
  std::vector<AxisTaps> phases = axis_phases(p, 2);
  const bool long_rows = p.in[2] >= kLongRow * p.kernel[2] * p.dilation[2];
  return p.kernel[2] == 1 || p.dilation[2] >= tile_rows || (few && long_rows) ? without_padding(phases, p.in[2])
                                                                              : phases;
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
