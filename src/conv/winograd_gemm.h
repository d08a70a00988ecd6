// Winograd convolution with tap-GEMM for the products: F(m, r) of any size, on filters that were transformed when they
// were packed (winograd_filters.h).
#pragma once

#include <memory>

#include "conv/algorithm.h"

namespace fastconv {

std::unique_ptr<ConvPlan> plan_winograd_gemm(const ConvProblem& problem, const ConvOptions& options, int m);

}  // namespace fastconv
