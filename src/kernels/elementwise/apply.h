// Function -> code. Include after simd/<isa>.h and simd/math.h, in kernel files only: apply<F> on one vector,
// with_function to choose F once outside a loop, apply_rows and apply_row for many floats.
#pragma once

#include <cstdint>

#include "kernels/elementwise/function.h"

namespace fastconv::simd {
namespace {

// F(x) with the parameters a and b of its FunctionCall. NaN in x gives NaN.
template <Function F>
inline Vec apply(Vec x, [[maybe_unused]] Vec a, [[maybe_unused]] Vec b) {
  if constexpr (F == Function::identity) return x;
  if constexpr (F == Function::clamp) return min(b, max(a, x));  // in [a, b]
  if constexpr (F == Function::leaky_relu) return select_lt(x, zero(), mul(a, x), x);
  if constexpr (F == Function::thresholded_relu) return select_lt(a, x, x, select_nan(x, x, zero()));
  if constexpr (F == Function::elu) return select_lt(x, zero(), mul(a, expm1(x)), x);
  if constexpr (F == Function::celu) return select_lt(x, zero(), mul(a, expm1(div(x, a))), x);
  if constexpr (F == Function::selu) return mul(b, select_lt(x, zero(), mul(a, expm1(x)), x));
  if constexpr (F == Function::hard_sigmoid) return min(vec(1.0f), max(zero(), fma(a, x, b)));
  if constexpr (F == Function::hard_swish) return hard_swish(x);
  if constexpr (F == Function::sigmoid) return sigmoid(x);
  if constexpr (F == Function::silu) return mul_sigmoid(x, x);
  if constexpr (F == Function::mish) return mish(x);
  if constexpr (F == Function::tanh) return tanh(x);
  if constexpr (F == Function::gelu) return gelu(x);
  if constexpr (F == Function::gelu_tanh) return gelu_tanh(x);
  if constexpr (F == Function::softplus) return softplus(x);
  if constexpr (F == Function::softsign) return div(x, add(vec(1.0f), abs(x)));
  if constexpr (F == Function::exp) return exp(x);
  if constexpr (F == Function::log) return log(x);
  if constexpr (F == Function::erf) return erf(x);
  if constexpr (F == Function::sin) return sin(x);
  if constexpr (F == Function::cos) return cos(x);
  if constexpr (F == Function::sqrt) return sqrt(x);
  if constexpr (F == Function::square) return mul(x, x);
  if constexpr (F == Function::reciprocal) return div(vec(1.0f), x);
  if constexpr (F == Function::neg) return neg(x);
  if constexpr (F == Function::abs) return abs(x);
  if constexpr (F == Function::sign) return select_lt(x, zero(), vec(-1.0f), select_lt(zero(), x, vec(1.0f), x));
  if constexpr (F == Function::floor) return floor(x);
  if constexpr (F == Function::ceil) return ceil(x);
  if constexpr (F == Function::round) return round(x);
}

// Calls body.template operator()<F>() for the F that `function` names.
template <class Body>
inline void with_function(Function function, const Body& body) {
  switch (function) {
#define FASTCONV_FUNCTION(name) \
  case Function::name:          \
    return body.template operator()<Function::name>();
#include "kernels/elementwise/functions.inc"
#undef FASTCONV_FUNCTION
  }
}

// y[r][i] = F(x[r][i]) for i in [0, n) of each row; rows are x_stride and y_stride apart; y may be x.
inline void apply_rows(FunctionCall call, const float* x, int64_t x_stride, float* y, int64_t y_stride, int64_t rows,
                       int64_t n) {
  const Vec a = vec(call.a), b = vec(call.b);
  with_function(call.function, [&]<Function F>() {
    for (int64_t r = 0; r < rows; ++r, x += x_stride, y += y_stride) {
      int64_t i = 0;
      for (; i + Vec::kWidth <= n; i += Vec::kWidth) store(y + i, apply<F>(load(x + i), a, b));
      if (i < n) store_n(y + i, apply<F>(load_n(x + i, n - i), a, b), n - i);
    }
  });
}

inline void apply_row(FunctionCall call, const float* x, float* y, int64_t n) {
  apply_rows(call, x, n, y, n, 1, n);
}

}  // namespace
}  // namespace fastconv::simd
