// Weights as tap-GEMM reads them: what the direct algorithm, im2col and col2im share. Element: what is multiplied,
// float or Bf16Pair, of which kPieces are a value.
#pragma once

#include <string>

#include "base/checks.h"
#include "base/cpu.h"
#include "conv/problem.h"
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

// Weights as [group][panel][piece][tap][c / groups][NR], NR the kernel's packed_nr; both directions share the form.
template <class Element>
std::string tap_pack_key(const ConvProblem& problem, Isa isa);
template <class Element, int kPieces = 1>
int64_t tap_packed_size(const ConvProblem& problem, Isa isa);
template <class Element, int kPieces = 1>
void tap_pack(const ConvProblem& problem, const float* weights, Isa isa, float* packed);
void tap_unpack(const ConvProblem& problem, const float* packed, Isa isa, float* weights);

}  // namespace fastconv
