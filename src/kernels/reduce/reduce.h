// The reduce family: folds over one axis of a dense (outer, n, inner) tensor. A fold over several axes is a few of
// them. The order of additions depends on the shape alone, never on threads. Start reading at ReducePass.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/table.h"

namespace fastconv {

enum class Reducer : int { sum, sum_abs, sum_square, sum_exp, max, min, prod };

// The kernels' contract: y[i] = fold over j of x[i, j] (reduce_rows), y[j] = fold over i of x[i, j] (reduce_columns).
// Sums are of f(x - shift), f being |.|, the square, exp or nothing; shift has y's extent, and null stands for zeros.
// An empty fold gives 0, 1 (prod), -Inf (max) or Inf (min). max and min give NaN where there is one.
struct ReducePanel {
  Reducer reducer;
  const float* x;
  const float* shift;
  float* y;
  int64_t rows, cols;
  int64_t x_row;  // elements between rows
};
using ReduceFn = void(const ReducePanel&) noexcept;

#define FASTCONV_REDUCE(kind, name, isa) ReduceFn name;
#include "kernels/reduce/kernels.inc"
#undef FASTCONV_REDUCE

// The two kernels of one instruction set; other families fold with them too.
struct ReduceKernels {
  const Kernel<ReduceFn>* rows;
  const Kernel<ReduceFn>* columns;
};
ReduceKernels reduce_kernels(Isa isa = active_isa());

// y[o, i] = fold over j of x[o, j, i], made ready.
class ReducePass {
 public:
  // ValueError where the reducer means nothing for the type.
  ReducePass(Reducer reducer, DType dtype, int64_t outer, int64_t n, int64_t inner, Isa isa = active_isa());
  // shift: float32 alone; see ReducePanel.
  void run(const void* x, void* y, const float* shift = nullptr) const noexcept;
  int64_t outputs() const { return outer_ * inner_; }
  const char* kernel_name() const { return kernel_ ? kernel_->name : "plain"; }

 private:
  void run_f32(const float* x, float* y, const float* shift) const noexcept;

  Reducer reducer_;
  const Kernel<ReduceFn>* kernel_ = nullptr;                                                  // float32
  void (*plain_)(const void* x, void* y, int64_t outer, int64_t n, int64_t inner) = nullptr;  // other types
  int64_t outer_, n_, inner_;
};

}  // namespace fastconv
