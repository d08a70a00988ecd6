// Vectors of bfloat16 pairs beside the portable vector: each lane holds two values. Every ISA that multiplies them has
// such a header with the same operations. Included by kernel files only, after scalar.h.
#pragma once

#include "base/bf16.h"

namespace fastconv::simd {
namespace {

struct Pairs {
  Bf16Pair lane[Vec::kWidth];
};

inline Pairs load(const Bf16Pair* p) {
  Pairs r;
  for (int i = 0; i < Vec::kWidth; ++i) r.lane[i] = p[i];
  return r;
}
inline Pairs broadcast(Bf16Pair x) {
  Pairs r;
  for (int i = 0; i < Vec::kWidth; ++i) r.lane[i] = x;
  return r;
}
// The sum of both products and c.
inline Vec fma(Pairs a, Pairs b, Vec c) {
  for (int i = 0; i < Vec::kWidth; ++i) {
    c.lane[i] += from_bf16(a.lane[i].odd) * from_bf16(b.lane[i].odd);
    c.lane[i] += from_bf16(a.lane[i].even) * from_bf16(b.lane[i].even);
  }
  return c;
}

}  // namespace
}  // namespace fastconv::simd
