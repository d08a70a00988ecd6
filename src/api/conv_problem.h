// A public description as the numbers of a convolution. For fastconv/conv.h and the bindings.
#pragma once

#include "conv/problem.h"
#include "fastconv/conv.h"

namespace fastconv {

ConvProblem problem_of(const ConvDescription& description);  // validated

}  // namespace fastconv
