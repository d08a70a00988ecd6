// A convolution as lists of taps. A forward convolution is one tap problem; a transposed one is a problem per output
// phase (stride many on each axis), each writing every stride-th output and using the taps that reach it: no zeros are
// inserted anywhere. Called by tap_conv.cc; pure arithmetic on sizes.
#pragma once

#include <vector>

#include "conv/problem.h"

namespace fastconv {

// Along one axis: output j (0 <= j < count) is written at begin + j * out_step, and tap i reads the source at
// position base[i] + j * src_step, which may lie in the padding.
struct AxisTaps {
  int64_t out_begin = 0, out_step = 1, count = 0;
  int64_t src_step = 1;
  std::vector<int64_t> kernel_index;  // which kernel element each tap is
  std::vector<int64_t> base;
  // Taps [first, last) that fall inside [0, extent) for output j; bases are sorted ascending.
  struct Range {
    int64_t first, last;
  };
  Range inside(int64_t j, int64_t extent) const;
};

// The phases of one axis: one for a forward convolution, at most `stride` for a transposed one. Taps that only ever
// meet padding are dropped.
std::vector<AxisTaps> axis_phases(const ConvProblem& problem, int axis);

// The phases along the width, for register tiles of `tile_rows` outputs. Far apart, taps meet much padding, in
// stretches long enough for a tile: each stretch is then a phase of its own, with those taps alone that fall inside the
// image for all of its outputs. So are they, to save copying the source, where there is one tap, or where the few
// outputs beside the edges cost little: in long rows, by a kernel for `few` columns.
std::vector<AxisTaps> width_phases(const ConvProblem& problem, int tile_rows, bool few);

// Pairs of a tap and an output along one axis that meet no padding.
double inner_pairs(const ConvProblem& problem, int axis);

}  // namespace fastconv
