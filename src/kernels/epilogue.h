// What happens to an output value before it is stored: y = function(sum + bias + residual). One POD for every family
// that produces convolution outputs. Pointers are those of the call's first column and row.
#pragma once

#include <cstdint>

#include "kernels/elementwise/function.h"

namespace fastconv {

struct Epilogue {
  const float* bias = nullptr;      // one per column, or null
  const float* residual = nullptr;  // a matrix like dst (may be dst itself: then this accumulates), or null
  int64_t residual_stride = 0;      // elements between its rows
  FunctionCall call;
};

}  // namespace fastconv
