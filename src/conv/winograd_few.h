// Winograd convolution F(4, 3) of images of at most four tiles. So few rows of products take less time than filters of
// 36 points, four times as large as the weights, take to come from beyond the caches: filters stay as they are, and the
// products' kernel transforms them on the way (kernels/winograd/few.h).
#pragma once

#include <memory>

#include "conv/algorithm.h"

namespace fastconv {

// Whether F(m, r) of the problem is such a one, and the instruction set has the kernel. The batch does not matter.
bool few_tiles(const ConvProblem& problem, int m, Isa isa);

// Filters as the kernel reads them: [group][panel][c / groups][tap][columns], in float32, taps scaled by powers of the
// first point; sizes in floats.
int64_t winograd_few_packed_size(const ConvProblem& problem, int64_t columns);
void winograd_few_pack(const ConvProblem& problem, const float* weights, int64_t columns, float* packed);

std::unique_ptr<ConvPlan> plan_winograd_few(const ConvProblem& problem, const ConvOptions& options);

}  // namespace fastconv
