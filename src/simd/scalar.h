// The portable vector: four floats in plain C++, which any compiler turns into whatever the baseline has (SSE2, NEON).
// Every src/simd/<isa>.h offers the same operations, so that one kernel body serves all. Included by kernel files only.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace fastconv::simd {
namespace {

struct Vec {
  static constexpr int kWidth = 4;
  float lane[kWidth];
};

#define FASTCONV_LANES for (int i = 0; i < Vec::kWidth; ++i)

inline Vec load(const float* p) {
  Vec r;
  FASTCONV_LANES r.lane[i] = p[i];
  return r;
}
inline void store(float* p, Vec v) {
  FASTCONV_LANES p[i] = v.lane[i];
}
// A store past the caches, at an address aligned to the vector. Other threads see it after a fence (epilogue.h).
inline void stream(float* p, Vec v) {
  store(p, v);
}
inline Vec broadcast(float x) {
  Vec r;
  FASTCONV_LANES r.lane[i] = x;
  return r;
}
inline Vec zero() {
  return broadcast(0.0f);
}
// The first n lanes, n in [0, kWidth]; memory beyond them is not touched, lanes beyond them are zero.
inline Vec load_n(const float* p, int64_t n) {
  Vec r = zero();
  for (int i = 0; i < n; ++i) r.lane[i] = p[i];
  return r;
}
inline void store_n(float* p, Vec v, int64_t n) {
  for (int i = 0; i < n; ++i) p[i] = v.lane[i];
}

#define FASTCONV_BINARY(name, expression)       \
  inline Vec name(Vec a, Vec b) {               \
    Vec r;                                      \
    FASTCONV_LANES {                            \
      const float x = a.lane[i], y = b.lane[i]; \
      r.lane[i] = expression;                   \
    }                                           \
    return r;                                   \
  }
FASTCONV_BINARY(add, x + y)
FASTCONV_BINARY(sub, x - y)
FASTCONV_BINARY(mul, x* y)
FASTCONV_BINARY(div, x / y)
// max and min return the second operand where either is NaN: clamp with the value second and NaN shows.
FASTCONV_BINARY(max, x > y ? x : y)
FASTCONV_BINARY(min, x < y ? x : y)
#undef FASTCONV_BINARY

// a * b + c. Only this ISA rounds twice.
inline Vec fma(Vec a, Vec b, Vec c) {
  return add(mul(a, b), c);
}

#define FASTCONV_UNARY(name, expression) \
  inline Vec name(Vec a) {               \
    Vec r;                               \
    FASTCONV_LANES {                     \
      const float x = a.lane[i];         \
      r.lane[i] = expression;            \
    }                                    \
    return r;                            \
  }
FASTCONV_UNARY(abs, std::fabs(x))
FASTCONV_UNARY(sqrt, std::sqrt(x))
FASTCONV_UNARY(floor, std::floor(x))
FASTCONV_UNARY(ceil, std::ceil(x))
FASTCONV_UNARY(round, std::nearbyint(x))  // to nearest, ties to even
#undef FASTCONV_UNARY

// Which lane of a vector each lane of another takes. In group_lanes, lane i takes lane j of the `group` lanes it is
// among; group is a power of two below kWidth.
struct Lanes {
  int index[Vec::kWidth];
};
inline Lanes group_lanes(int group, int j) {
  Lanes r;
  FASTCONV_LANES r.index[i] = i / group * group + j;
  return r;
}
inline Vec pick(Vec a, Lanes lanes) {
  Vec r;
  FASTCONV_LANES r.lane[i] = a.lane[lanes.index[i]];
  return r;
}

// For tiles whose last vector holds two rows: the lower half of a and the upper one of b; two floats in both halves;
// and the upper half in the lower one's place.
inline Vec halves(Vec a, Vec b) {
  Vec r;
  FASTCONV_LANES r.lane[i] = i < Vec::kWidth / 2 ? a.lane[i] : b.lane[i];
  return r;
}
inline Vec load_half_twice(const float* p) {
  Vec r;
  FASTCONV_LANES r.lane[i] = p[i % (Vec::kWidth / 2)];
  return r;
}
inline Vec upper_half(Vec a) {
  Vec r;
  FASTCONV_LANES r.lane[i] = a.lane[i % (Vec::kWidth / 2) + Vec::kWidth / 2];
  return r;
}

// a < b ? x : y, lane by lane (false where a or b is NaN).
inline Vec select_lt(Vec a, Vec b, Vec x, Vec y) {
  Vec r;
  FASTCONV_LANES r.lane[i] = a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i];
  return r;
}
// x where a is NaN, else y.
inline Vec select_nan(Vec a, Vec x, Vec y) {
  Vec r;
  FASTCONV_LANES r.lane[i] = a.lane[i] != a.lane[i] ? x.lane[i] : y.lane[i];
  return r;
}
inline bool any_nan(Vec a) {
  bool any = false;
  FASTCONV_LANES any |= a.lane[i] != a.lane[i];
  return any;
}
// a * 2^n for integral n in [-150, 128] and a in [1/2, 2]: in two factors, so that results near either end of the
// range are right. NaN where a is NaN, whatever n is then.
inline Vec scale(Vec a, Vec n) {
  Vec r;
  FASTCONV_LANES {
    const int32_t e = n.lane[i] == n.lane[i] ? static_cast<int32_t>(n.lane[i]) : 0, half = e >> 1;
    const uint32_t bits[2] = {static_cast<uint32_t>(half + 127) << 23, static_cast<uint32_t>(e - half + 127) << 23};
    float factor[2];
    std::memcpy(factor, bits, sizeof bits);
    r.lane[i] = a.lane[i] * factor[0] * factor[1];
  }
  return r;
}
// 2^n for a = 0x1.8p23 + 127 + n with -126 <= n <= 127: the exponent's bits are the last of a's.
inline Vec power_of_low_bits(Vec a) {
  Vec r;
  FASTCONV_LANES {
    uint32_t bits;
    std::memcpy(&bits, &a.lane[i], 4);
    bits <<= 23;
    std::memcpy(&r.lane[i], &bits, 4);
  }
  return r;
}
// For positive normal x = m * 2^e with m in [1, 2): e, and m.
inline Vec exponent(Vec v) {
  Vec r;
  FASTCONV_LANES {
    uint32_t bits;
    std::memcpy(&bits, &v.lane[i], 4);
    r.lane[i] = static_cast<float>(static_cast<int32_t>(bits >> 23) - 127);
  }
  return r;
}
inline Vec mantissa(Vec v) {
  Vec r;
  FASTCONV_LANES {
    uint32_t bits;
    std::memcpy(&bits, &v.lane[i], 4);
    bits = (bits & 0x007FFFFFu) | 0x3F800000u;
    std::memcpy(&r.lane[i], &bits, 4);
  }
  return r;
}
inline float reduce_add(Vec v) {
  return (v.lane[0] + v.lane[2]) + (v.lane[1] + v.lane[3]);
}
// Lanes 0 to 3: the sums of a, b, c and d; the others are unspecified.
inline Vec reduce_add(Vec a, Vec b, Vec c, Vec d) {
  return {{reduce_add(a), reduce_add(b), reduce_add(c), reduce_add(d)}};
}
inline float reduce_max(Vec v) {
  float r = v.lane[0];
  FASTCONV_LANES r = v.lane[i] > r ? v.lane[i] : r;
  return r;
}
#undef FASTCONV_LANES

}  // namespace
}  // namespace fastconv::simd
