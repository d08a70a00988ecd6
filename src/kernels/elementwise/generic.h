// The bodies of the elementwise kernels, on the vector of the ISA file that includes them.
#pragma once

#include "kernels/elementwise/apply.h"
#include "kernels/elementwise/elementwise.h"

namespace fastconv {
namespace {

inline void unary(const UnaryRow& row) {
  simd::apply_row(row.call, row.x, row.y, row.n);
}

// The C library's remainder has the sign of a; this one has the sign of b, as Python's.
inline float python_mod(float a, float b) noexcept {
  const float r = __builtin_fmodf(a, b);
  if (r == 0) return __builtin_copysignf(0.0f, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

// Functions that the C library computes, lane by lane.
inline simd::Vec each_pair(simd::Vec a, simd::Vec b, float (*fn)(float, float) noexcept) {
  float x[simd::Vec::kWidth], y[simd::Vec::kWidth];
  simd::store(x, a);
  simd::store(y, b);
  for (int i = 0; i < simd::Vec::kWidth; ++i) x[i] = fn(x[i], y[i]);
  return simd::load(x);
}

template <BinaryFunction F>
inline simd::Vec combine(simd::Vec a, simd::Vec b) {
  using enum BinaryFunction;
  if constexpr (F == add) return simd::add(a, b);
  if constexpr (F == sub) return simd::sub(a, b);
  if constexpr (F == mul) return simd::mul(a, b);
  if constexpr (F == div) return simd::div(a, b);
  // simd::min and max give b where either is NaN, so only a NaN in a has to be put back.
  if constexpr (F == min) return simd::select_nan(a, a, simd::min(a, b));
  if constexpr (F == max) return simd::select_nan(a, a, simd::max(a, b));
  if constexpr (F == prelu) return simd::select_lt(a, simd::zero(), simd::mul(a, b), a);
  if constexpr (F == pow) return each_pair(a, b, [](float x, float y) noexcept { return __builtin_powf(x, y); });
  if constexpr (F == fmod) return each_pair(a, b, [](float x, float y) noexcept { return __builtin_fmodf(x, y); });
  if constexpr (F == mod) return each_pair(a, b, python_mod);
}

// One value repeated, or a row of them.
template <bool kRepeated>
struct Operand {
  const float* at;
  simd::Vec first;
  explicit Operand(const float* p) : at(p), first(kRepeated ? simd::broadcast(*p) : simd::zero()) {}
  simd::Vec whole(int64_t j) const { return kRepeated ? first : simd::load(at + j); }
  simd::Vec part(int64_t j, int64_t n) const { return kRepeated ? first : simd::load_n(at + j, n); }
};

template <BinaryFunction F, bool kRepeatA, bool kRepeatB>
inline void binary_rows(const BinaryPanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    const Operand<kRepeatA> a(p.a + i * p.a_row);
    const Operand<kRepeatB> b(p.b + i * p.b_row);
    float* y = p.y + i * p.y_row;
    int64_t j = 0;
    for (; j + simd::Vec::kWidth <= p.cols; j += simd::Vec::kWidth)
      simd::store(y + j, combine<F>(a.whole(j), b.whole(j)));
    if (j < p.cols) simd::store_n(y + j, combine<F>(a.part(j, p.cols - j), b.part(j, p.cols - j)), p.cols - j);
  }
}

inline void binary(const BinaryPanel& p) {
  const bool repeat_a = p.a_col == 0 && p.cols > 1, repeat_b = p.b_col == 0 && p.cols > 1;
  switch (p.function) {
#define FASTCONV_BINARY_FUNCTION(name)                                      \
  case BinaryFunction::name:                                                \
    if (repeat_a) return binary_rows<BinaryFunction::name, true, false>(p); \
    if (repeat_b) return binary_rows<BinaryFunction::name, false, true>(p); \
    return binary_rows<BinaryFunction::name, false, false>(p);
#include "kernels/elementwise/binary_functions.inc"
#undef FASTCONV_BINARY_FUNCTION
  }
}

}  // namespace
}  // namespace fastconv
