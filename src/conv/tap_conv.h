// Runs a convolution through tap-GEMM, straight on NHWC pixels: what the direct and transposed algorithms share.
// Lines of output pixels are the rows of the matrix; vertical padding drops taps row by row, horizontal padding either
// makes lines of their own of the columns beside it, or a copy of the source with wider rows (tap_calls.h). The
// products are of float32, or of bfloat16 that the source is converted to: Element says which. Converted values are
// split in kPieces, and each product of pieces (kernels/gemm/split.h) is one more tap for every tap. The weights:
// tap_weights.h.
#pragma once

#include <memory>

#include "conv/algorithm.h"
#include "kernels/gemm/gemm.h"

namespace fastconv {

template <class Element, int kPieces>
std::unique_ptr<ConvPlan> plan_tap_conv(const ConvProblem& problem, const ConvOptions& options);

}  // namespace fastconv
