#include "conv/cost.h"

#include <algorithm>

#include "base/checks.h"
#include "conv/tap_weights.h"
#include "conv/taps.h"
#include "conv/winograd_tiles.h"
#include "kernels/costs.h"
#include "kernels/gemm/split.h"
#include "kernels/gemm/table.h"

namespace fastconv {
namespace {

// `rows` in register tiles of at most mr, as the kernel spreads them.
double tile_rows(int64_t rows, int mr, double least_rows) {
  if (rows == 0) return 0;
  const double tiles = static_cast<double>(ceil_div(rows, mr));
  return std::max(static_cast<double>(rows), tiles * least_rows);
}

// Multiply-adds of one product for each of rows x columns outputs, the empty parts of register tiles included.
template <class Element>
double tile_cost(const GemmKernel<Element>& kernel, int64_t rows, int64_t columns, const Machine& machine) {
  if (kernel.few()) return static_cast<double>(rows) * static_cast<double>(columns);
  const double least = kernel_costs(machine.isa).least_rows;
  const int64_t vector = kernel.nr / kPanelVectors, rest = columns % kernel.nr;
  const bool narrow = rest > 0 && rest <= vector;  // half the sums in a tile: twice the rows keep it busy
  const double wide = static_cast<double>(narrow ? columns / kernel.nr : ceil_div(columns, kernel.nr)) * kernel.nr;
  return wide * tile_rows(rows, kernel.mr, least) +
         (narrow ? static_cast<double>(vector) * tile_rows(rows, kernel.mr, kPanelVectors * least) : 0);
}

// Products that take `cost` and read `weights` numbers once: too many for L2 (see gemm_streams), they come from beyond.
double streamed(double cost, double weights, const Machine& machine) {
  const bool streams = weights * sizeof(float) > static_cast<double>(machine.l2_bytes) / 2;
  return std::max(cost, streams ? kernel_costs(machine.isa).stream * weights : 0.0);
}

double weight_count(const ConvProblem& p) {
  return static_cast<double>(p.k) * static_cast<double>(p.group_c() * p.taps());
}

// One product of matrices per row of output pixels; taps above and below the image are left out, those beside it read
// zeros where they are near (see width_phases). A pointwise convolution is one row. Counted in products of elements.
template <class Element>
double tap_cost(const ConvProblem& p, const Machine& machine) {
  const GemmKernel<Element>& kernel = tap_kernel<Element>(p, machine.isa);
  const double channels = static_cast<double>(tap_channels<Element>(p) * p.groups);
  double cost = 0;
  if (p.taps() == 1 && p.in == p.out) {
    cost = channels * tile_cost(kernel, p.out_pixels(), p.group_k(), machine);
  } else {
    double row = 0;
    for (const AxisTaps& phase : width_phases(p, kernel.mr, kernel.few())) {
      row += static_cast<double>(phase.base.size()) * tile_cost(kernel, phase.count, p.group_k(), machine);
    }
    cost = channels * inner_pairs(p, 0) * inner_pairs(p, 1) * row;
  }
  return cost;
}

}  // namespace

double direct_cost(const ConvProblem& p, const Machine& machine) {
  return streamed(tap_cost<float>(p, machine), weight_count(p), machine);
}

double direct_bf16_cost(const ConvProblem& p, const Machine& machine, int pieces) {
  const KernelCosts& costs = kernel_costs(machine.isa);
  const double values = static_cast<double>(p.in_pixels()) * static_cast<double>(p.c);
  const double products = static_cast<double>(product_count(pieces)) * tap_cost<Bf16Pair>(p, machine);
  return streamed(costs.pair * products, weight_count(p) * pieces / 2, machine) + costs.convert * pieces * values;
}

// One product of matrices over all output pixels, and the copying of what they read.
double im2col_cost(const ConvProblem& p, const Machine& machine) {
  const double gathered = static_cast<double>(p.taps()) * static_cast<double>(p.c);
  return streamed(gathered * tile_cost(tap_kernel<float>(p, machine.isa), p.out_pixels(), p.group_k(), machine),
                  weight_count(p), machine) +
         kernel_costs(machine.isa).gather * static_cast<double>(p.out_pixels()) * gathered;
}

// A call of col2im that sums a row, beside its work: 16 outputs of 16 channels in 16 rows take 1.3 us for 1.0 directly.
// Zen 5, one thread, November 2026: fastconv bench choice 1x16x7x1x1:16:5x1x1:d5x1x1:p9x0x0-20x0x0
constexpr double kSumCall = 2000;

// One product of matrices over all input pixels and taps, and the sums of what it gives.
double col2im_cost(const ConvProblem& p, const Machine& machine) {
  const double pairs = static_cast<double>(p.taps()) * static_cast<double>(p.in_pixels());
  const double channels = static_cast<double>(p.taps()) * static_cast<double>(p.c);
  return streamed(channels * tile_cost(tap_kernel<float>(p, machine.isa), p.in_pixels(), p.group_k(), machine),
                  weight_count(p), machine) +
         kernel_costs(machine.isa).scatter * pairs * static_cast<double>(p.k) +
         kSumCall * static_cast<double>(p.out[0] * p.out[1] * (p.kernel[2] + 1));
}

double winograd_cost(const ConvProblem& p, const Machine& machine, int m) {
  const WinogradTiles shape = winograd_tiles(p, m);
  const double points = shape.points(), depth = static_cast<double>(p.kernel[0]);
  const double channels = depth * static_cast<double>(p.group_c()), groups = static_cast<double>(p.groups);
  const int64_t tiles = shape.count();
  // Each slice of the input is transformed once, and each of the output.
  const double slices = static_cast<double>(p.out[0] + (p.kernel[0] - 1) * p.dilation[0]);
  const double values = slices * static_cast<double>(p.c) + static_cast<double>(p.out[0] * p.k);
  const double products = groups * tile_cost(choose_gemm_f32(machine.isa), tiles * p.out[0], p.group_k(), machine);
  return streamed(points * channels * products, points * channels * static_cast<double>(p.k), machine) +
         kernel_costs(machine.isa).transform * points * static_cast<double>(tiles) * values;
}

}  // namespace fastconv
