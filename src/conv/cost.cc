#include "conv/cost.h"

#include <algorithm>

#include "base/checks.h"
#include "conv/tap_calls.h"
#include "conv/tap_weights.h"
#include "conv/winograd_few.h"
#include "conv/winograd_tiles.h"
#include "kernels/costs.h"
#include "kernels/gemm/split.h"
#include "kernels/gemm/table.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

// Products that take `cost` and read `weights` numbers once: too many for L2 (see gemm_streams), they come from beyond.
double streamed(double cost, double weights, const Machine& machine) {
  const bool streams = weights * sizeof(float) > static_cast<double>(machine.l2_bytes) / 2;
  return std::max(cost, streams ? kernel_costs(machine.isa).stream * weights : 0.0);
}

double weight_count(const ConvProblem& p) {
  return static_cast<double>(p.k) * static_cast<double>(p.group_c() * p.taps());
}

// Calls for lines of output pixels; taps above and below the image are left out, those beside it where that pays. A
// pointwise convolution is one line. Counted in products of elements.
template <class Element>
double tap_cost(const ConvProblem& p, const Machine& machine) {
  const GemmKernel<Element>& kernel = tap_kernel<Element>(p, machine.isa);
  const double channels = static_cast<double>(tap_channels<Element>(p) * p.groups);
  if (p.taps() == 1 && p.in == p.out) return channels * tile_cost(kernel, p.out_pixels(), p.group_k(), machine.isa);
  return channels * width_phases(p, kernel, machine.isa).cost;
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
  return streamed(gathered * tile_cost(tap_kernel<float>(p, machine.isa), p.out_pixels(), p.group_k(), machine.isa),
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
  return streamed(channels * tile_cost(tap_kernel<float>(p, machine.isa), p.in_pixels(), p.group_k(), machine.isa),
                  weight_count(p), machine) +
         kernel_costs(machine.isa).scatter * pairs * static_cast<double>(p.k) +
         kSumCall * static_cast<double>(p.out[0] * p.out[1] * (p.kernel[2] + 1));
}

namespace {

// Multiply-adds that the transform of a filter takes as long as, beside its products with few tiles: 512@7 to 512, four
// tiles, takes 0.41 ms, two 0.26 (Zen 5, one thread, November 2026, fastconv bench layers 1x512x7x7:512:3).
constexpr double kFilter = 72;

// The products of few tiles, which read the weights as they are.
double few_tiles_cost(const ConvProblem& p, const WinogradTiles& shape, const Machine& machine) {
  const int64_t columns = round_up(p.group_k(), choose_winograd_few(machine.isa)->columns);
  const double filters = static_cast<double>(p.c) * static_cast<double>(columns);
  return streamed(filters * (kFilter + static_cast<double>(shape.points() * shape.count())), weight_count(p), machine);
}

// The sum over all points of what so many tiles cost that have it, at so many a column: thin ones lack the last pair.
template <class Cost>
double sum_over_points(const WinogradTiles& shape, const Cost& cost) {
  double sum = 0;
  for (int row = 0; row < shape.rows.size(); ++row) {
    for (int column = 0; column < shape.columns.size(); ++column) {
      sum += cost(shape.rows.tiles_with(row) * shape.columns.tiles_with(column), column);
    }
  }
  return sum;
}

// A product for each point.
double point_products_cost(const ConvProblem& p, const WinogradTiles& shape, const Machine& machine) {
  const GemmF32Kernel& kernel = choose_gemm_f32(machine.isa);
  const WinogradLayers layers = winograd_layers(p, shape);
  const double channels = static_cast<double>(layers.taps * p.group_c());
  const double products = sum_over_points(shape, [&](int64_t tiles, int column) {
    const int64_t taps = layers.taps - shape.columns.first_window(column);
    return static_cast<double>(taps * p.groups) * tile_cost(kernel, tiles * layers.out, p.group_k(), machine.isa);
  });
  return streamed(static_cast<double>(p.group_c()) * products, shape.points() * channels * static_cast<double>(p.k),
                  machine);
}

}  // namespace

double winograd_cost(const ConvProblem& p, const Machine& machine, int m) {
  const WinogradTiles shape = winograd_tiles(p, m);
  const double transformed = sum_over_points(shape, [](int64_t tiles, int) { return static_cast<double>(tiles); });
  // Each layer of the input is transformed once, and each of the output.
  const WinogradLayers layers = winograd_layers(p, shape);
  const double values = static_cast<double>(layers.in() * p.c) + static_cast<double>(layers.out * p.k);
  return (few_tiles(p, m, machine.isa) ? few_tiles_cost(p, shape, machine) : point_products_cost(p, shape, machine)) +
         kernel_costs(machine.isa).transform * transformed * values;
}

}  // namespace fastconv
