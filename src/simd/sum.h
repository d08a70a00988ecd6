// Sums that stay accurate however long they are: short chains of float32 additions ("blocks"), whose results go into a
// total that remembers what rounding took from it. Used by the reduce and normalize families; include after <isa>.h.
#pragma once

#include <cstdint>

namespace fastconv::simd {
namespace {

inline constexpr int64_t kSumBlock = 32;  // additions to one lane between two settlements

struct Total {
  Vec sum = zero(), lost = zero();

  void settle(Vec block) {
    const Vec next = add(sum, block), taken = sub(next, sum);
    lost = add(lost, add(sub(sum, sub(next, taken)), sub(block, taken)));
    sum = next;
  }
  // An infinite sum makes `lost` NaN, and needs no correction.
  Vec value() const { return select_nan(lost, sum, add(sum, lost)); }
};

// The sum of a vector's lanes, in double precision.
inline double sum_lanes(Vec x) {
  float lanes[Vec::kWidth];
  store(lanes, x);
  double sum = 0;
  for (float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

// The first n < kWidth floats at p, and `rest` in the lanes behind them.
inline Vec load_or(const float* p, int64_t n, float rest) {
  float lanes[Vec::kWidth];
  for (int i = 0; i < Vec::kWidth; ++i) lanes[i] = i < n ? p[i] : rest;
  return load(lanes);
}

}  // namespace
}  // namespace fastconv::simd
