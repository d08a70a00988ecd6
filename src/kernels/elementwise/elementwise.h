// The elementwise family: functions of one float32 tensor, and of two that broadcast against each other. Other types
// are in plain.h. Start reading at function.h for the functions and at broadcast.h for the loops.
#pragma once

#include <cstdint>

#include "kernels/elementwise/broadcast.h"
#include "kernels/elementwise/function.h"
#include "kernels/table.h"

namespace fastconv {

// y[i] = call(x[i]) for i in [0, n); y may be x.
struct UnaryRow {
  FunctionCall call;
  const float* x;
  float* y;
  int64_t n;
};
using UnaryFn = void(const UnaryRow&) noexcept;

enum class BinaryFunction : int {
#define FASTCONV_BINARY_FUNCTION(name) name,
#include "kernels/elementwise/binary_functions.inc"
#undef FASTCONV_BINARY_FUNCTION
};

// y[i, j] = function(a[i, j], b[i, j]) for i in [0, rows), j in [0, cols). A column step is 0 (the same value for a
// whole row) or 1, and at most one of them is 0 where cols > 1. y may be a or b where that one has y's steps.
struct BinaryPanel {
  BinaryFunction function;
  const float *a, *b;
  float* y;
  int64_t rows, cols;
  int64_t a_row, b_row, y_row;
  int64_t a_col, b_col;
};
using BinaryFn = void(const BinaryPanel&) noexcept;

#define FASTCONV_UNARY(name, isa) UnaryFn name;
#define FASTCONV_BINARY(name, isa) BinaryFn name;
#include "kernels/elementwise/kernels.inc"
#undef FASTCONV_UNARY
#undef FASTCONV_BINARY

// Values through one function, made ready for the instruction set in use.
class UnaryPlan {
 public:
  // loops: of the operand x.
  explicit UnaryPlan(const Broadcast& loops, Isa isa = active_isa());
  void run(FunctionCall call, const float* x, float* y) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<UnaryFn>* kernel_;
  Broadcast loops_;
};

class BinaryPlan {
 public:
  // loops: of the operands a and b.
  BinaryPlan(BinaryFunction function, const Broadcast& loops, Isa isa = active_isa());
  void run(const float* a, const float* b, float* y) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<BinaryFn>* kernel_;
  BinaryFunction function_;
  Broadcast loops_;
};

}  // namespace fastconv
