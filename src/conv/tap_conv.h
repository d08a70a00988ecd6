// Runs a convolution through tap-GEMM, straight on NHWC pixels: what the direct and transposed algorithms share.
// Rows of output pixels are the rows of the matrix; vertical padding drops taps row by row, horizontal padding is
// a copy of the source with wider rows, made only where a tap reaches outside.
#pragma once

#include <map>
#include <memory>

#include "conv/algorithm.h"
#include "conv/taps.h"
#include "kernels/gemm/table.h"

namespace fastconv {

// The kernel for a problem, by which its weights are packed: a function of the problem alone, for every plan.
const GemmF32Kernel& tap_kernel(const ConvProblem& problem, Isa isa);

// Weights as [group][panel][tap][c / groups][NR], NR the kernel's packed_nr; both directions share the form.
std::string tap_pack_key(const ConvProblem& problem, Isa isa);
int64_t tap_packed_size(const ConvProblem& problem, Isa isa);
void tap_pack(const ConvProblem& problem, const float* weights, Isa isa, float* packed);
void tap_unpack(const ConvProblem& problem, const float* packed, Isa isa, float* weights);

std::unique_ptr<ConvPlan> plan_tap_conv(const ConvProblem& problem, const ConvOptions& options);

}  // namespace fastconv
