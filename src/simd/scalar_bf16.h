// Vectors of bfloat16 pairs beside the portable vector: each lane holds two values. Every ISA that multiplies them has
// such a header with the same operations. Included by kernel files only, after scalar.h.
#pragma once

#include "base/bf16.h"

namespace fastconv::simd {
namespace {

// A lane's lower half is its even value. Halves of 16 bits each, GCC 12 at -O3 sums even products twice.
struct Pairs {
  uint32_t lane[Vec::kWidth];
};

inline Vec from_bits(const Pairs& p) {
  Vec r;
  std::memcpy(r.lane, p.lane, sizeof(r.lane));
  return r;
}
inline Vec even(Pairs p) {
  for (int i = 0; i < Vec::kWidth; ++i) p.lane[i] <<= 16;
  return from_bits(p);
}
inline Vec odd(Pairs p) {
  for (int i = 0; i < Vec::kWidth; ++i) p.lane[i] &= 0xFFFF0000u;
  return from_bits(p);
}

inline Pairs load(const Bf16Pair* p) {
  Pairs r;
  for (int i = 0; i < Vec::kWidth; ++i) r.lane[i] = uint32_t{p[i].odd} << 16 | p[i].even;
  return r;
}
inline Pairs broadcast(Bf16Pair x) {
  Pairs r;
  for (int i = 0; i < Vec::kWidth; ++i) r.lane[i] = uint32_t{x.odd} << 16 | x.even;
  return r;
}
// The sum of both products and c. Of halves: a product that passes the largest float may come back with c, as where the
// two are fused.
inline Vec fma(Pairs a, Pairs b, Vec c) {
  const Vec half = broadcast(0.5f);
  const Vec sum = fma(mul(odd(a), half), odd(b), mul(c, half));
  const Vec both = fma(mul(even(a), half), even(b), sum);
  return add(both, both);
}

}  // namespace
}  // namespace fastconv::simd
