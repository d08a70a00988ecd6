// Pointwise convolution of few channels, to as many: pixels side by side fill a vector. To the depthwise kernel they
// are groups of one wide pixel, which all have the same weights. Part of the algorithm `depthwise`.
#pragma once

#include <memory>

#include "conv/algorithm.h"
#include "kernels/depthwise/depthwise.h"

namespace fastconv {

// Repetitions of a group's weights in a panel: pixels that are computed at once where the convolution is pointwise.
inline int64_t pixels_abreast(const ConvProblem& p) {
  return p.groups == 1 && p.taps() == 1 && p.c == p.k && p.k < kDepthwiseLanes ? kDepthwiseLanes / p.k : 1;
}

inline bool can_run_abreast(const ConvProblem& p) {
  return pixels_abreast(p) > 1 && p.pointwise();
}

// The problem can run so, with 1, 2, 4 or 8 channels; pixels lie side by side in all arrays.
std::unique_ptr<ConvPlan> plan_abreast(const ConvProblem& problem, const ConvOptions& options);

}  // namespace fastconv
