// Runs a convolution through tap-GEMM, straight on NHWC pixels: what the direct and transposed algorithms share.
// Rows of output pixels are the rows of the matrix; vertical padding drops taps row by row, horizontal padding is
// a copy of the source with wider rows, made only where a tap reaches outside. The products are of float32, or of
// bfloat16 that the source is converted to: Element says which.
#pragma once

#include <memory>

#include "conv/algorithm.h"
#include "conv/taps.h"
#include "kernels/gemm/table.h"

namespace fastconv {

// The kernel for a problem, by which its weights are packed: a function of the problem alone, for every plan.
template <class Element>
const GemmKernel<Element>& tap_kernel(const ConvProblem& problem, Isa isa);

// A group's input channels, in elements.
template <class Element>
int64_t tap_channels(const ConvProblem& problem) {
  return ceil_div(problem.group_c(), kProducts<Element>);
}

// Weights as [group][panel][tap][c / groups][NR], NR the kernel's packed_nr; both directions share the form.
template <class Element>
std::string tap_pack_key(const ConvProblem& problem, Isa isa);
template <class Element>
int64_t tap_packed_size(const ConvProblem& problem, Isa isa);
template <class Element>
void tap_pack(const ConvProblem& problem, const float* weights, Isa isa, float* packed);
void tap_unpack(const ConvProblem& problem, const float* packed, Isa isa, float* weights);

template <class Element>
std::unique_ptr<ConvPlan> plan_tap_conv(const ConvProblem& problem, const ConvOptions& options);

}  // namespace fastconv
