// Winograd convolution F(m, r): tiles of pixels are transformed, multiplied point by point with transformed filters,
// and transformed back. Where it applies and how much it errs; how the products are made: winograd_gemm.h, and for
// images of few tiles winograd_few.h.
//
// Read next: winograd_tiles.h (where tiles stand), kernels/winograd (transforms).
#include <algorithm>

#include "conv/algorithms.h"
#include "conv/taps.h"
#include "conv/winograd_few.h"
#include "conv/winograd_filters.h"
#include "conv/winograd_gemm.h"
#include "conv/winograd_tiles.h"
#include "kernels/gemm/table.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

// Smaller groups leave most of a panel empty.
constexpr int64_t kLeastGroup = 8;

template <int M>
std::string refuse(const ConvProblem& p) {
  if (p.transposed) return refuse_transposed(p);
  const int64_t taps = winograd_taps(p);
  if constexpr (M == kLineOutputs) {
    const bool is_line = std::min(p.kernel[1], p.kernel[2]) == 1 && taps > kLineOutputs;
    if (!is_line || !slices_are_images(p) || p.dilation != Dims{1, 1, 1}) {
      return concat("a kernel of more than ", kLineOutputs, " taps along one axis, without dilation, got ", p.kernel[0],
                    "x", p.kernel[1], "x", p.kernel[2]);
    }
  } else if (!taps || !choose_winograd(M, static_cast<int>(taps), winograd_tiles(p, M).axes(), Isa::scalar)) {
    return concat(M == 2 ? "a kernel of 3x3, 3x1, 1x3, 5x5, 5x1 or 1x5" : "a kernel of 3x3, 3x1 or 1x3", ", got ",
                  p.kernel[1], "x", p.kernel[2]);
  }
  if (p.stride != Dims{1, 1, 1}) return concat("stride 1, got ", *std::max_element(p.stride.begin(), p.stride.end()));
  if (p.groups > 1 && std::min(p.group_c(), p.group_k()) < kLeastGroup) {
    return concat("groups of at least ", kLeastGroup, " channels, got ", p.group_c(), " to ", p.group_k());
  }
  return "";
}

// The share of a direct sum's products that meet no padding.
double inner_share(const ConvProblem& p) {
  double share = 1;
  for (int axis = 0; axis < 3; ++axis) {
    share *= inner_pairs(p, axis) / static_cast<double>(p.kernel[axis] * p.out[axis]);
  }
  return share;
}

// A tile errs by all that it holds, a direct sum only by its own products: the fewer those are, the worse the ratio.
// Six points, F(4,3) and F(2,5), on random data, relative to plain float32 sums, worst of 4 to 6 (EPYC, 32 output
// channels, images to 33x33 with 0 to 2 cells of padding or dilations to 16, 2026-11-27):
//   16 channels, at least 0.8 of the products outside the padding: 2.8x (3x3), 2.1x (5x5), 2.0x (lines of 3), 1.8x
//   (lines of 5), 2.1x (3x3x3); with a quarter in the padding 3.2x; 4 channels 3.4x at best
//   64 channels, at least 0.5: 2.9x; with less 4.5x
// F(3,4) in windows is held to the same limits (tests/conv/test_float.py, every window).
// Four points, F(2,3), stay below 2.1x, eight, F(6,3), are at 3.7x and more.
struct LongSums {
  int64_t channels;
  double inner_share;
};
constexpr LongSums kSixPoints[] = {{16, 0.8}, {64, 0.5}};

template <int M>
Precision precision_class(const ConvProblem& p) {
  const int points = winograd_tiles(p, M).columns.size();
  if (points == 4) return Precision::highest;
  if (points > 6) return Precision::high;
  const double share = inner_share(p);
  for (const LongSums& least : kSixPoints) {
    if (p.group_c() >= least.channels && share >= least.inner_share) return Precision::highest;
  }
  return Precision::high;
}

int64_t panel_columns(const ConvProblem& p, int m, Isa isa) {
  return few_tiles(p, m, isa) ? choose_winograd_few(isa)->columns : choose_gemm_f32(isa).nr;
}

template <int M>
constexpr Algorithm make_algorithm(const char* name) {
  return {
      name,
      precision_class<M>,
      refuse<M>,
      [](const ConvProblem& p, Isa isa) {
        return concat("winograd ", M, " ", few_tiles(p, M, isa) ? "few " : "", panel_columns(p, M, isa), " ",
                      weight_order(p));
      },
      [](const ConvProblem& p, Isa isa) {
        const int64_t columns = panel_columns(p, M, isa);
        return few_tiles(p, M, isa) ? winograd_few_packed_size(p, columns) : winograd_packed_size(p, M, columns);
      },
      [](const ConvProblem& p, const float* weights, Isa isa, float* packed) {
        const int64_t columns = panel_columns(p, M, isa);
        return few_tiles(p, M, isa) ? winograd_few_pack(p, weights, columns, packed)
                                    : winograd_pack(p, M, weights, columns, packed);
      },
      [](const ConvProblem& p, const ConvOptions& o) {
        return few_tiles(p, M, o.isa) ? plan_winograd_few(p, o) : plan_winograd_gemm(p, o, M);
      },
  };
}

}  // namespace

const Algorithm kWinograd2 = make_algorithm<2>("winograd2");
const Algorithm kWinograd3 = make_algorithm<kLineOutputs>("winograd3");
const Algorithm kWinograd4 = make_algorithm<4>("winograd4");
const Algorithm kWinograd6 = make_algorithm<6>("winograd6");

}  // namespace fastconv
