// Filters in Winograd's domain, as the products read them: U[group][panel][point][tap][c / groups][NR].
#pragma once

#include "base/cpu.h"
#include "conv/problem.h"

namespace fastconv {

// For F(m, r) of the problem's kernel; sizes in floats. `nr`: columns of a panel.
int64_t winograd_packed_size(const ConvProblem& problem, int m, int64_t nr);
void winograd_pack(const ConvProblem& problem, int m, const float* weights, int64_t nr, float* packed);

}  // namespace fastconv
