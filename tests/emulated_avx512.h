// AVX-512 on a processor without it: the intrinsics that src/simd/avx512.h and the kernels use, each on two AVX2
// halves, so that tests can run every AVX-512 row anywhere. Only a build with FASTCONV_EMULATE_AVX512 (cmake/isa.cmake)
// has it, ahead of those kernels: names in namespace fastconv hide the compiler's. The meanings are those of Intel's
// Intrinsics Guide; an intrinsic that a kernel needs and this file lacks does not compile.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#undef _mm512_cmp_ps_mask  // macros in some compilers
#undef _mm512_extractf32x8_ps
#undef _mm512_extracti64x4_epi64
#undef _mm512_roundscale_ps
#undef _mm512_shuffle_f32x4
#undef _mm512_shuffle_ps

namespace fastconv {
namespace {

struct __m512 {
  __m256 low, high;
};
struct __m512i {
  __m256i low, high;
};

// Each half by itself.
#define FASTCONV_BINARY(name, type, operation)                   \
  [[gnu::always_inline]] inline type name(type a, type b) {      \
    return {operation(a.low, b.low), operation(a.high, b.high)}; \
  }
FASTCONV_BINARY(_mm512_add_ps, __m512, _mm256_add_ps)
FASTCONV_BINARY(_mm512_sub_ps, __m512, _mm256_sub_ps)
FASTCONV_BINARY(_mm512_mul_ps, __m512, _mm256_mul_ps)
FASTCONV_BINARY(_mm512_div_ps, __m512, _mm256_div_ps)
FASTCONV_BINARY(_mm512_max_ps, __m512, _mm256_max_ps)
FASTCONV_BINARY(_mm512_min_ps, __m512, _mm256_min_ps)
FASTCONV_BINARY(_mm512_unpacklo_ps, __m512, _mm256_unpacklo_ps)
FASTCONV_BINARY(_mm512_unpackhi_ps, __m512, _mm256_unpackhi_ps)
FASTCONV_BINARY(_mm512_add_epi32, __m512i, _mm256_add_epi32)
FASTCONV_BINARY(_mm512_sub_epi32, __m512i, _mm256_sub_epi32)
FASTCONV_BINARY(_mm512_and_si512, __m512i, _mm256_and_si256)
FASTCONV_BINARY(_mm512_or_si512, __m512i, _mm256_or_si256)
#undef FASTCONV_BINARY

inline __m512 _mm512_sqrt_ps(__m512 a) {
  return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}
inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline __m512 _mm512_set1_ps(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
inline __m512i _mm512_set1_epi32(int x) {
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
inline __m512 _mm512_setzero_ps() {
  return _mm512_set1_ps(0.0f);
}
inline __m512i _mm512_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l,
                                 int m, int n, int o, int p) {
  return {_mm256_setr_epi32(a, b, c, d, e, f, g, h), _mm256_setr_epi32(i, j, k, l, m, n, o, p)};
}
inline __m512 _mm512_castsi512_ps(__m512i a) {
  return {_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high)};
}
inline __m512i _mm512_castps_si512(__m512 a) {
  return {_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)};
}
inline __m512 _mm512_cvtepi32_ps(__m512i a) {
  return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}
inline __m512i _mm512_cvtepu16_epi32(__m256i a) {
  return {_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1))};
}
inline __m512i _mm512_srli_epi32(__m512i a, unsigned bits) {
  return {_mm256_srli_epi32(a.low, static_cast<int>(bits)), _mm256_srli_epi32(a.high, static_cast<int>(bits))};
}
inline __m512i _mm512_slli_epi32(__m512i a, unsigned bits) {
  return {_mm256_slli_epi32(a.low, static_cast<int>(bits)), _mm256_slli_epi32(a.high, static_cast<int>(bits))};
}
inline __m512 _mm512_abs_ps(__m512 a) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7FFFFFFF)));
}

// Masks: bit i is lane i.
inline __m512i lanes_of(__mmask16 mask) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  auto half = [&](int m) { return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(m), bits), bits); };
  return {half(mask), half(mask >> 8)};
}
inline __m512 _mm512_mask_blend_ps(__mmask16 mask, __m512 a, __m512 b) {
  const __m512 lanes = _mm512_castsi512_ps(lanes_of(mask));
  return {_mm256_blendv_ps(a.low, b.low, lanes.low), _mm256_blendv_ps(a.high, b.high, lanes.high)};
}
inline __mmask16 mask_of(__m512 a) {
  return static_cast<__mmask16>(_mm256_movemask_ps(a.low) | _mm256_movemask_ps(a.high) << 8);
}
#define _mm512_cmp_ps_mask(a, b, predicate) \
  mask_of({_mm256_cmp_ps((a).low, (b).low, predicate), _mm256_cmp_ps((a).high, (b).high, predicate)})

// Memory. What the mask leaves out is not touched.
inline __m512 _mm512_loadu_ps(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void _mm512_storeu_ps(float* p, __m512 a) {
  _mm256_storeu_ps(p, a.low);
  _mm256_storeu_ps(p + 8, a.high);
}
inline void _mm512_stream_ps(float* p, __m512 a) {
  _mm256_stream_ps(p, a.low);
  _mm256_stream_ps(p + 8, a.high);
}
inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float* p) {
  const __m512i lanes = lanes_of(mask);
  return {_mm256_maskload_ps(p, lanes.low), _mm256_maskload_ps(p + 8, lanes.high)};
}
inline void _mm512_mask_storeu_ps(float* p, __mmask16 mask, __m512 a) {
  const __m512i lanes = lanes_of(mask);
  _mm256_maskstore_ps(p, lanes.low, a.low);
  _mm256_maskstore_ps(p + 8, lanes.high, a.high);
}

inline __m512i _mm512_loadu_si512(const void* p) {
  const __m256i* halves = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
inline void _mm512_storeu_si512(void* p, __m512i a) {
  __m256i* halves = static_cast<__m256i*>(p);
  _mm256_storeu_si256(halves, a.low);
  _mm256_storeu_si256(halves + 1, a.high);
}
inline void _mm512_mask_storeu_epi32(void* p, __mmask16 mask, __m512i a) {
  _mm512_mask_storeu_ps(static_cast<float*>(p), mask, _mm512_castsi512_ps(a));
}
inline __m512 _mm512_mask_min_ps(__m512 otherwise, __mmask16 mask, __m512 a, __m512 b) {
  return _mm512_mask_blend_ps(mask, otherwise, _mm512_min_ps(a, b));
}
inline __m512 _mm512_mask_max_ps(__m512 otherwise, __mmask16 mask, __m512 a, __m512 b) {
  return _mm512_mask_blend_ps(mask, otherwise, _mm512_max_ps(a, b));
}

// The first lanes of a, in order, in those of the mask.
inline __m512 _mm512_maskz_expand_ps(__mmask16 mask, __m512 a) {
  float from[16], to[16];
  _mm512_storeu_ps(from, a);
  for (int i = 0, next = 0; i < 16; ++i) to[i] = mask >> i & 1 ? from[next++] : 0.0f;
  return _mm512_loadu_ps(to);
}

// Parts. What the lanes beyond a cast vector hold is never read.
inline __m256 _mm512_castps512_ps256(__m512 a) {
  return a.low;
}
inline __m256i _mm512_castsi512_si256(__m512i a) {
  return a.low;
}
inline __m512 _mm512_castps128_ps512(__m128 a) {
  return {_mm256_castps128_ps256(a), _mm256_setzero_ps()};
}
#define _mm512_extractf32x8_ps(a, half) ((half) ? (a).high : (a).low)
#define _mm512_extracti64x4_epi64(a, half) ((half) ? (a).high : (a).low)

// bfloat16: 32 of them, of which a product of lanes sums two.
using __m512bh = __m512i;
inline __m512 _mm512_dpbf16_ps(__m512 c, __m512bh a, __m512bh b) {
  const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
  const auto odd = [&](__m512i x) { return _mm512_castsi512_ps(_mm512_and_si512(x, high)); };
  const auto even = [&](__m512i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16)); };
  return _mm512_fmadd_ps(even(a), even(b), _mm512_fmadd_ps(odd(a), odd(b), c));
}
// Round to nearest even, denormals to zero, for values that are at most the largest bfloat16, Inf and NaN.
inline __m512bh _mm512_cvtne2ps_pbh(__m512 high, __m512 low) {
  float values[32];
  uint16_t narrow[32];
  _mm512_storeu_ps(values, low);
  _mm512_storeu_ps(values + 16, high);
  for (int i = 0; i < 32; ++i) {
    uint32_t bits;
    std::memcpy(&bits, &values[i], sizeof bits);
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) {
      bits |= 0x400000;
    } else if (magnitude < 0x800000) {
      bits &= 0x80000000;
    } else {
      bits += 0x7FFF + (bits >> 16 & 1);
    }
    narrow[i] = static_cast<uint16_t>(bits >> 16);
  }
  return _mm512_loadu_si512(narrow);
}

// Rounding, to whole numbers only.
#define _mm512_roundscale_ps(a, mode) (__m512{_mm256_round_ps((a).low, mode), _mm256_round_ps((a).high, mode)})

// a * 2^floor(n), rounded once: a double holds the product. For |n| < 400, and NaN.
inline __m512 _mm512_scalef_ps(__m512 a, __m512 n) {
  float x[16], exponents[16];
  _mm512_storeu_ps(x, a);
  _mm512_storeu_ps(exponents, n);
  for (int i = 0; i < 16; ++i) {
    const float e = __builtin_floorf(exponents[i]);
    const bool nan = e != e;
    const uint64_t bits = static_cast<uint64_t>(nan ? 1023 : static_cast<int64_t>(e) + 1023) << 52;
    double power;
    std::memcpy(&power, &bits, sizeof power);
    x[i] = nan ? e : static_cast<float>(x[i] * power);
  }
  return _mm512_loadu_ps(x);
}

// Lanes moved.
#define _mm512_shuffle_ps(a, b, select) \
  (__m512{_mm256_shuffle_ps((a).low, (b).low, select), _mm256_shuffle_ps((a).high, (b).high, select)})

inline __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int select) {  // two quarters of a, then two of b
  auto quarter = [](const __m512& from, int i) {
    const __m256 half = i & 2 ? from.high : from.low;
    return i & 1 ? _mm256_extractf128_ps(half, 1) : _mm256_castps256_ps128(half);
  };
  return {_mm256_set_m128(quarter(a, select >> 2), quarter(a, select)),
          _mm256_set_m128(quarter(b, select >> 6), quarter(b, select >> 4))};
}
inline __m512 _mm512_permutexvar_ps(__m512i index, __m512 a) {
  const __m512 from_high = _mm512_castsi512_ps({_mm256_slli_epi32(index.low, 28), _mm256_slli_epi32(index.high, 28)});
  auto half = [&](__m256i i, __m256 high) {
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(a.low, i), _mm256_permutevar8x32_ps(a.high, i), high);
  };
  return {half(index.low, from_high.low), half(index.high, from_high.high)};
}
inline __m512 _mm512_permutex2var_ps(__m512 a, __m512i index, __m512 b) {
  const __m512 from_b = _mm512_castsi512_ps(_mm512_slli_epi32(index, 27));
  const __m512 of_a = _mm512_permutexvar_ps(index, a), of_b = _mm512_permutexvar_ps(index, b);
  return {_mm256_blendv_ps(of_a.low, of_b.low, from_b.low), _mm256_blendv_ps(of_a.high, of_b.high, from_b.high)};
}
inline __m512 _mm512_broadcast_f32x8(__m256 a) {
  return {a, a};
}

// In halves, as the compilers do, so that sums have the same bits.
inline float _mm512_reduce_add_ps(__m512 a) {
  const __m256 eight = _mm256_add_ps(a.low, a.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float _mm512_reduce_max_ps(__m512 a) {
  const __m256 eight = _mm256_max_ps(a.low, a.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

}  // namespace
}  // namespace fastconv
