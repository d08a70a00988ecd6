// What an algorithm is expected to cost: the model behind "auto". Pure functions of one image's numbers and of the
// machine's: no clock, no threads, no batch. The unit is that of kernels/costs.h.
#pragma once

#include "conv/machine.h"
#include "conv/problem.h"

namespace fastconv {

// Where the algorithm applies.
double direct_cost(const ConvProblem& problem, const Machine& machine);
double direct_bf16_cost(const ConvProblem& problem, const Machine& machine, int pieces);  // of a value
double im2col_cost(const ConvProblem& problem, const Machine& machine);
double col2im_cost(const ConvProblem& problem, const Machine& machine);
double winograd_cost(const ConvProblem& problem, const Machine& machine, int m);  // F(m, r)

}  // namespace fastconv
