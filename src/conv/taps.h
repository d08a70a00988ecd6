// A convolution as lists of taps. A forward convolution is one tap problem; a transposed one is a problem per output
// phase (stride many on each axis), each writing every stride-th output and using the taps that reach it: no zeros are
// inserted anywhere. What of it one call of a kernel computes: tap_calls.h. Pure arithmetic on sizes.
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
  // The end of the outputs from j on that meet the same taps inside [0, extent).
  int64_t alike(int64_t j, int64_t extent) const;
};

// The phases of one axis: one for a forward convolution, at most `stride` for a transposed one. Taps that only ever
// meet padding are dropped.
std::vector<AxisTaps> axis_phases(const ConvProblem& problem, int axis);

// A phase in stretches of outputs that meet the same taps inside [0, extent), each with those taps alone.
std::vector<AxisTaps> stretches(const AxisTaps& phase, int64_t extent);

// Pairs of a tap and an output along one axis that meet no padding.
double inner_pairs(const ConvProblem& problem, int axis);

}  // namespace fastconv
