// Vectors of bfloat16 pairs for AVX512-BF16. Operations and their meaning: see scalar_bf16.h. Products and sums flush
// denormals, whatever the caller's flags say.
#pragma once

#include "base/bf16.h"

namespace fastconv::simd {
namespace {

struct Pairs {
  __m512i v;
};

inline Pairs load(const Bf16Pair* p) {
  return {_mm512_loadu_si512(p)};
}
inline Pairs broadcast(Bf16Pair x) {
  return {_mm512_set1_epi32(static_cast<int>(uint32_t{x.odd} << 16 | x.even))};
}
inline Vec fma(Pairs a, Pairs b, Vec c) {
  return {_mm512_dpbf16_ps(c.v, (__m512bh)a.v, (__m512bh)b.v)};
}

}  // namespace
}  // namespace fastconv::simd
