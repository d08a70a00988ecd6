// Transcendental functions on vectors, and the activations built on them: used by the elementwise family and by the
// epilogues of others (through kernels/elementwise/apply.h), so that a fused activation and a separate one give the
// same bits. Include after <isa>.h.
//
// Errors against float64, over the whole range: at most 2 units in the last place for exp, log, tanh, erf, softplus and
// elu's branch; 4 for the other activations, except that gelu and gelu_tanh lose their left tail as their formulas do
// (2 units of x). Inf and NaN come out as the formulas say. The polynomials were fitted by tools/fit_math.py, which
// states forms and intervals; run it to get these numbers.
#pragma once

namespace fastconv::simd {
namespace {

inline Vec vec(float x) {
  return broadcast(x);
}
inline Vec neg(Vec x) {
  return sub(vec(-0.0f), x);
}

// The polynomial with these coefficients, highest power first.
template <class... Rest>
inline Vec polynomial(Vec x, float highest, Rest... rest) {
  Vec p = vec(highest);
  ((p = fma(p, x, vec(rest))), ...);
  return p;
}

inline constexpr float kLn2High = 0x1.62e4p-1f;  // 15 bits: its product with an exponent is exact
inline constexpr float kLn2Low = 1.42860677e-6f;

// x = n ln2 + r with integral n and |r| <= ln2 / 2; for |x| < 110.
struct Reduced {
  Vec n, r;
};
inline Reduced reduce_ln2(Vec x) {
  const Vec n = round(mul(x, vec(1.44269504f)));
  return {n, fma(n, vec(-kLn2Low), fma(n, vec(-kLn2High), x))};
}

// The same where 2^(n + kBias) is a normal number: then the sum that rounds x / ln2 holds its exponent's bits.
struct ReducedPower {
  Vec power, r;
};
template <int kBias = 0>
inline ReducedPower reduce_power(Vec x) {
  constexpr float kRounder = 0x1.8p23f + 127 + kBias;
  const Vec t = fma(x, vec(1.44269504f), vec(kRounder)), n = sub(t, vec(kRounder));
  return {power_of_low_bits(t), fma(n, vec(-kLn2Low), fma(n, vec(-kLn2High), x))};
}

// exp(r) - 1 for |r| <= ln2 / 2.
inline Vec expm1_reduced(Vec r) {
  const Vec p = polynomial(r, 0.00138698437f, 0.00836644694f, 0.0416674465f, 0.16666545f, 0.49999997f);
  return fma(mul(r, r), p, r);
}

inline Vec exp(Vec x) {
  // Beyond these limits the result is 0 or Inf, and scale() gives that.
  const Reduced t = reduce_ln2(min(vec(89.0f), max(vec(-104.0f), x)));
  return scale(add(vec(1.0f), expm1_reduced(t.r)), t.n);
}

// For -87 <= x <= 88.
inline Vec exp_normal(Vec x) {
  const ReducedPower t = reduce_power(x);
  return fma(t.power, expm1_reduced(t.r), t.power);
}

// exp(x) - 1, accurate near zero, for x <= 88 (finite there; wrong beyond).
inline Vec expm1(Vec x) {
  const ReducedPower t = reduce_power(min(vec(88.0f), max(vec(-30.0f), x)));  // -1 from there on
  return fma(t.power, expm1_reduced(t.r), sub(t.power, vec(1.0f)));
}

// log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1].
inline Vec log1p_reduced(Vec f) {
  const Vec p = polynomial(f, -0.0763643906f, 0.127622172f, -0.131596103f, 0.1420158f, -0.166234091f, 0.200012416f,
                           -0.250008196f, 0.333333313f);
  const Vec s = mul(f, f);
  return add(f, fma(mul(s, f), p, mul(vec(-0.5f), s)));
}

inline Vec log(Vec x) {
  const Vec smallest = vec(1.17549435e-38f), inf = vec(__builtin_inff());
  const Vec normal = select_lt(x, smallest, mul(x, vec(0x1p24f)), x);
  Vec e = add(exponent(normal), select_lt(x, smallest, vec(-24.0f), zero()));
  Vec m = mantissa(normal);
  e = select_lt(vec(1.41421356f), m, add(e, vec(1.0f)), e);
  m = select_lt(vec(1.41421356f), m, mul(m, vec(0.5f)), m);
  Vec y = fma(e, vec(kLn2High), fma(e, vec(kLn2Low), log1p_reduced(sub(m, vec(1.0f)))));
  y = select_lt(x, inf, y, x);  // Inf and NaN
  y = select_lt(x, zero(), vec(__builtin_nanf("")), y);
  return select_lt(abs(x), vec(1e-45f), neg(inf), y);
}

// log(1 + u) for u in [0, 1].
inline Vec log1p_unit(Vec u) {
  const Vec limit = vec(0.414213562f);
  const Vec f = select_lt(limit, u, mul(vec(0.5f), sub(u, vec(1.0f))), u);
  return add(select_lt(limit, u, vec(0.693147181f), zero()), log1p_reduced(f));
}

// y * sigmoid(x) = y / (1 + exp(-x)), with both terms below the line times 2^-24: exp(104), where the result has no
// bits left, overflows otherwise.
inline Vec mul_sigmoid(Vec y, Vec x) {
  const Vec tiny = vec(0x1p-24f);
  const ReducedPower t = reduce_power<-24>(min(vec(104.0f), max(vec(-30.0f), neg(x))));
  return mul(y, div(tiny, fma(add(vec(1.0f), expm1_reduced(t.r)), t.power, tiny)));
}
inline Vec sigmoid(Vec x) {
  return mul_sigmoid(vec(1.0f), x);
}

inline Vec tanh(Vec x) {
  const Vec a = abs(x), s = mul(x, x);
  const Vec p = polynomial(s, -0.00589796668f, 0.0207986254f, -0.0537847169f, 0.133319363f, -0.333332986f);
  const Vec tail = sub(vec(1.0f), div(vec(2.0f), add(vec(1.0f), exp_normal(min(vec(40.0f), add(a, a))))));
  return select_lt(a, vec(0.6f), fma(mul(s, x), p, x), select_lt(x, zero(), neg(tail), tail));
}

inline Vec erf(Vec x) {
  const Vec a = abs(x), c = min(vec(4.0f), a);  // erf(4) rounds to 1
  const Vec p = polynomial(mul(x, x), 7.80690389e-05f, -0.00079978531f, 0.0051871622f, -0.0268533472f, 0.112835787f,
                           -0.37612626f, 0.128379166f);
  const Vec q = polynomial(c, -0.000186379853f, 0.00294764945f, -0.021838f, 0.10310661f, 0.63814497f, 1.12708914f,
                           0.000341522828f);
  const Vec tail = sub(vec(1.0f), exp_normal(neg(q)));
  return select_lt(a, vec(1.0f), fma(x, p, x), select_lt(x, zero(), neg(tail), tail));
}

// log(1 + exp(x))
inline Vec softplus(Vec x) {
  return add(max(zero(), x), log1p_unit(exp(neg(abs(x)))));
}

// x tanh(softplus(x)): with e = exp(x), tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2), which is 1 from 20 on.
inline Vec mish(Vec x) {
  const Vec e = exp(min(vec(20.0f), x)), t = mul(e, add(e, vec(2.0f)));
  return mul(x, div(t, add(t, vec(2.0f))));
}

inline Vec gelu(Vec x) {
  return mul(mul(vec(0.5f), x), add(vec(1.0f), erf(mul(x, vec(0.707106781f)))));
}

// x/2 (1 + tanh(z)) = x sigmoid(2z), z = sqrt(2/pi) (x + 0.044715 x^3)
inline Vec gelu_tanh(Vec x) {
  return mul_sigmoid(x, mul(mul(x, vec(1.59576912f)), fma(mul(x, x), vec(0.044715f), vec(1.0f))));
}

// x clip(x/6 + 1/2, 0, 1), with the sum taken before it is scaled: accurate near -3.
inline Vec hard_swish(Vec x) {
  return mul(x, mul(vec(1.0f / 6.0f), min(vec(6.0f), max(zero(), add(x, vec(3.0f))))));
}

// sin and cos are rare in convolutional networks: the C library's are right for every argument, and fast enough.
inline Vec each_lane(Vec x, float (*fn)(float) noexcept) {
  float lanes[Vec::kWidth];
  store(lanes, x);
  for (float& lane : lanes) lane = fn(lane);
  return load(lanes);
}
inline Vec sin(Vec x) {
  return each_lane(x, [](float v) noexcept { return __builtin_sinf(v); });
}
inline Vec cos(Vec x) {
  return each_lane(x, [](float v) noexcept { return __builtin_cosf(v); });
}

}  // namespace
}  // namespace fastconv::simd
