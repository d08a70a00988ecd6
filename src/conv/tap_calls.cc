#include "conv/tap_calls.h"

#include <algorithm>
#include <type_traits>

#include "base/checks.h"
#include "kernels/costs.h"

namespace fastconv {
namespace {

// In kernel widths. 3x3 64@56 to 3: 0.096 ms copied, 0.059 in stretches; 128@768 to 3: 70 for 62. Zen 5, one thread,
// November 2026: fastconv bench layers 1x64x56x56:3:3
constexpr int64_t kLongRow = 8;

// `rows` in register tiles of at most mr, as the kernel spreads them.
double tile_rows(int64_t rows, int mr, double least_rows) {
  if (rows == 0) return 0;
  const double tiles = static_cast<double>(ceil_div(rows, mr));
  return std::max(static_cast<double>(rows), tiles * least_rows);
}

}  // namespace

template <class Element>
double tile_cost(const GemmKernel<Element>& kernel, int64_t rows, int64_t columns, Isa isa) {
  if (kernel.few()) return static_cast<double>(rows) * static_cast<double>(columns);
  const int64_t lanes = kernel.nr / kPanelVectors, vectors = ceil_div(columns, lanes);
  const KernelCosts& costs = kernel_costs(isa);
  const double least_rows = std::is_same_v<Element, float> ? costs.least_rows : costs.pair_rows;
  // Narrow tiles need more rows to be busy, wide ones fewer.
  const auto cost = [&](double width, int mr) {
    return width * static_cast<double>(lanes) * tile_rows(rows, mr, kPanelVectors * least_rows / width);
  };
  if (vectors == 1) return cost(1, kernel.mr);
  // Panels, of which the last one takes a vector that would be left alone, and holds two rows in one half full.
  const int64_t calls = kernel.calls(columns), whole = vectors - (calls - 1) * kPanelVectors - 1;
  const bool half = has_half_tiles<Element>(lanes) && 2 * (columns - (vectors - 1) * lanes) <= lanes;
  const double last =
      half ? cost(static_cast<double>(whole) + 0.5, half_rows(kernel.mr, static_cast<int>(whole)))
           : cost(static_cast<double>(whole + 1), whole == kPanelVectors ? wide_rows(kernel.mr) : kernel.mr);
  return static_cast<double>(calls - 1) * cost(kPanelVectors, kernel.mr) + last;
}

template <class Element>
bool lines_down(const GemmKernel<Element>& kernel, int64_t rows, int64_t width, int64_t columns, Isa isa) {
  return static_cast<double>(width) * tile_cost(kernel, rows, columns, isa) <
         static_cast<double>(rows) * tile_cost(kernel, width, columns, isa);
}

namespace {

// What all calls cost, for each input channel, slice and tap of the depth.
template <class Element>
double calls_cost(const ConvProblem& p, const std::vector<AxisTaps>& heights, const std::vector<AxisTaps>& widths,
                  const GemmKernel<Element>& kernel, Isa isa) {
  double slice = 0;
  for (const AxisTaps& height : heights) {
    for (int64_t h = 0, end; h < height.count; h = end) {
      end = height.alike(h, p.in[1]);
      const AxisTaps::Range range = height.inside(h, p.in[1]);
      for (const AxisTaps& width : widths) {
        const int64_t rows = end - h, taps = (range.last - range.first) * static_cast<int64_t>(width.base.size());
        const bool down = lines_down(kernel, rows, width.count, p.group_k(), isa);
        const int64_t lines = down ? width.count : rows, line = down ? rows : width.count;
        slice += static_cast<double>(taps * lines) * tile_cost(kernel, line, p.group_k(), isa);
      }
    }
  }
  return slice;
}

}  // namespace

template <class Element>
WidthPhases width_phases(const ConvProblem& p, const GemmKernel<Element>& kernel, Isa isa) {
  const std::vector<AxisTaps> heights = axis_phases(p, 1);
  std::vector<AxisTaps> whole = axis_phases(p, 2), apart;
  for (const AxisTaps& phase : whole) {
    for (AxisTaps& stretch : stretches(phase, p.in[2])) apart.push_back(std::move(stretch));
  }
  const double slices = inner_pairs(p, 0), whole_cost = slices * calls_cost(p, heights, whole, kernel, isa);
  if (apart.size() == whole.size()) return {std::move(whole), whole_cost};
  const double apart_cost = slices * calls_cost(p, heights, apart, kernel, isa);
  bool pays;
  if (kernel.few()) {  // the few outputs beside the edges cost little, in long rows
    const bool long_rows = p.in[2] >= kLongRow * p.kernel[2] * p.dilation[2];
    pays = p.kernel[2] == 1 || p.dilation[2] >= kernel.mr || long_rows;
  } else {
    constexpr bool kConverts = !std::is_same_v<Element, float>;  // copies the source in any case
    const double copied = kConverts ? 0 : kernel_costs(isa).gather * static_cast<double>(p.in_pixels());
    pays = apart_cost < whole_cost + copied;
  }
  return pays ? WidthPhases{std::move(apart), apart_cost} : WidthPhases{std::move(whole), whole_cost};
}

#define FASTCONV_TAP_CALLS(Element)                                                              \
  template double tile_cost<Element>(const GemmKernel<Element>&, int64_t, int64_t, Isa);         \
  template bool lines_down<Element>(const GemmKernel<Element>&, int64_t, int64_t, int64_t, Isa); \
  template WidthPhases width_phases<Element>(const ConvProblem&, const GemmKernel<Element>&, Isa);
FASTCONV_TAP_CALLS(float)
FASTCONV_TAP_CALLS(Bf16Pair)
#undef FASTCONV_TAP_CALLS

}  // namespace fastconv
