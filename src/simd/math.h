// Transcendental functions on vectors, and the activations built on them: used by the GEMM epilogue and by the
// elementwise family, so that a fused activation and a separate one give the same bits. Include after <isa>.h.
//
// exp: argument reduction x = n ln2 + r (Cody-Waite), degree-6 polynomial in r: <= 2 ulp.
#pragma once

namespace fastconv::simd {
namespace {

inline Vec vec(float x) { return broadcast(x); }
inline Vec neg(Vec x) { return sub(zero(), x); }

inline Vec exp(Vec x) {
  // Outside [-87.3, 88.7] the result is 0 or Inf; clamping the reduced argument keeps exp2_int in range.
  const Vec clamped = min(vec(88.8f), max(vec(-87.4f), x));
  const Vec n = min(vec(127.0f), max(vec(-126.0f), round(mul(clamped, vec(1.44269504f)))));
  Vec r = fma(n, vec(-0.693359375f), clamped);
  r = fma(n, vec(2.12194440e-4f), r);
  Vec p = vec(1.9875691500e-4f);
  p = fma(p, r, vec(1.3981999507e-3f));
  p = fma(p, r, vec(8.3334519073e-3f));
  p = fma(p, r, vec(4.1665795894e-2f));
  p = fma(p, r, vec(1.6666665459e-1f));
  p = fma(p, r, vec(5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), vec(1.0f));
  Vec result = mul(p, exp2_int(n));
  result = select_lt(x, vec(-87.33654f), zero(), result);
  result = select_lt(vec(88.72283f), x, vec(__builtin_inff()), result);
  return select_nan(x, x, result);
}

inline Vec sigmoid(Vec x) {
  // 1 / (1 + exp(-x)): exp(-x) = Inf gives 0, as it should.
  return div(vec(1.0f), add(vec(1.0f), exp(neg(x))));
}

inline Vec tanh(Vec x) {
  // |x| < 0.625: odd polynomial (relative accuracy near zero); else 1 - 2 / (exp(2|x|) + 1) with the sign of x.
  const Vec a = abs(x), s = mul(x, x);
  Vec p = vec(-5.70498872745e-3f);
  p = fma(p, s, vec(2.06390887954e-2f));
  p = fma(p, s, vec(-5.37397155531e-2f));
  p = fma(p, s, vec(1.33314422036e-1f));
  p = fma(p, s, vec(-3.33332819422e-1f));
  const Vec small = fma(mul(p, s), x, x);
  const Vec large = sub(vec(1.0f), div(vec(2.0f), add(exp(add(a, a)), vec(1.0f))));
  const Vec signed_large = select_lt(x, zero(), neg(large), large);
  return select_nan(x, x, select_lt(a, vec(0.625f), small, signed_large));
}

}  // namespace
}  // namespace fastconv::simd
