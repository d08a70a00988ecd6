// How direct sums cut a convolution into calls of the kernel, and what these cost, in the unit of kernels/costs.h.
//
// A call computes outputs in a line, all from the same taps. Most lines lie along the rows. Where taps meet padding,
// the first and the last columns are short phases of their own, whose lines lie down the image:
//
//   | | - - - - - - |     3x3, padding 1: one column, rows of the columns between, one column;
//   | | - - - - - - |     each of them without the taps that its outputs do not meet
//   | | - - - - - - |
//
// The other way is to copy the source, with borders of zeros: then every line is a whole row.
#pragma once

#include "conv/problem.h"
#include "conv/taps.h"
#include "kernels/gemm/table.h"

namespace fastconv {

// Multiply-adds of one product for each of rows x columns outputs, the empty parts of register tiles included.
template <class Element>
double tile_cost(const GemmKernel<Element>& kernel, int64_t rows, int64_t columns, Isa isa);

// The phases along the width: where that costs less than copying the source, those of columns that meet padding apart.
struct WidthPhases {
  std::vector<AxisTaps> phases;
  double cost;  // of all calls, for each input channel
};
template <class Element>
WidthPhases width_phases(const ConvProblem& problem, const GemmKernel<Element>& kernel, Isa isa);

// How outputs that have the same taps, `rows` of `width` each, are computed: with a call for each row, or, where that
// costs less, down the image with one for each column.
template <class Element>
bool lines_down(const GemmKernel<Element>& kernel, int64_t rows, int64_t width, int64_t columns, Isa isa);

}  // namespace fastconv
