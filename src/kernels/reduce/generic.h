// The bodies of the reduce kernels, on the vector of the ISA file that includes them. Both keep four vectors of partial
// results: of one row (reduce_rows), or of four neighbouring groups of columns (reduce_columns).
#pragma once

#include "kernels/reduce/reduce.h"
#include "simd/sum.h"

namespace fastconv {
namespace {

constexpr bool is_sum(Reducer r) {
  return r == Reducer::sum || r == Reducer::sum_abs || r == Reducer::sum_square || r == Reducer::sum_exp;
}

// What a fold starts from.
template <Reducer R>
constexpr float neutral() {
  if constexpr (R == Reducer::max) return -__builtin_inff();
  if constexpr (R == Reducer::min) return __builtin_inff();
  return R == Reducer::prod ? 1.0f : 0.0f;
}

// An element that changes nothing.
template <Reducer R>
inline float padding(float shift) {
  if constexpr (R == Reducer::sum_exp) return -__builtin_inff();
  return is_sum(R) ? shift : neutral<R>();
}

// One more element in each lane.
template <Reducer R>
inline simd::Vec fold(simd::Vec acc, simd::Vec x, simd::Vec shift) {
  using namespace simd;
  if constexpr (is_sum(R)) {
    const Vec d = sub(x, shift);
    if constexpr (R == Reducer::sum) return add(acc, d);
    if constexpr (R == Reducer::sum_abs) return add(acc, abs(d));
    if constexpr (R == Reducer::sum_square) return fma(d, d, acc);
    if constexpr (R == Reducer::sum_exp) return add(acc, exp(d));
  }
  // max() and min() give their second operand where either is NaN: that keeps a NaN found earlier.
  if constexpr (R == Reducer::max) return select_nan(x, x, max(x, acc));
  if constexpr (R == Reducer::min) return select_nan(x, x, min(x, acc));
  if constexpr (R == Reducer::prod) return mul(acc, x);
}

// Two partial results.
template <Reducer R>
inline simd::Vec join(simd::Vec a, simd::Vec b) {
  if constexpr (is_sum(R)) return simd::add(a, b);
  return fold<R>(a, b, simd::zero());
}

// Partial results in the making; for sums, `acc` is the block and `total` all blocks before it.
template <Reducer R>
struct Partial {
  simd::Vec acc = simd::broadcast(neutral<R>());
  simd::Total total;

  void settle() {
    if constexpr (is_sum(R)) {
      total.settle(acc);
      acc = simd::zero();
    }
  }
  simd::Vec value() {
    if constexpr (!is_sum(R)) return acc;
    settle();
    return total.value();
  }
};

template <Reducer R>
inline float join_lanes(simd::Vec v) {
  if constexpr (is_sum(R)) return static_cast<float>(simd::sum_lanes(v));
  float lanes[simd::Vec::kWidth];
  simd::store(lanes, v);
  float result = lanes[0];
  for (int i = 1; i < simd::Vec::kWidth; ++i) {
    const float x = lanes[i];
    if constexpr (R == Reducer::max) result = x > result || x != x ? x : result;
    if constexpr (R == Reducer::min) result = x < result || x != x ? x : result;
    if constexpr (R == Reducer::prod) result *= x;
  }
  return result;
}

template <Reducer R>
inline float reduce_row(const float* x, int64_t n, float shift_value) {
  constexpr int64_t W = simd::Vec::kWidth, kChains = 4;
  const simd::Vec shift = simd::broadcast(shift_value);
  Partial<R> all;
  int64_t j = 0;
  while (j + kChains * W <= n) {
    simd::Vec acc[kChains];
    for (simd::Vec& chain : acc) chain = simd::broadcast(neutral<R>());
    for (int64_t k = 0; k < simd::kSumBlock && j + kChains * W <= n; ++k, j += kChains * W) {
      for (int64_t c = 0; c < kChains; ++c) acc[c] = fold<R>(acc[c], simd::load(x + j + c * W), shift);
    }
    all.acc = join<R>(all.acc, join<R>(join<R>(acc[0], acc[1]), join<R>(acc[2], acc[3])));
    all.settle();
  }
  for (; j + W <= n; j += W) all.acc = fold<R>(all.acc, simd::load(x + j), shift);
  if (j < n) all.acc = fold<R>(all.acc, simd::load_or(x + j, n - j, padding<R>(shift_value)), shift);
  return join_lanes<R>(all.value());
}

// kVectors whole vectors of columns, or (kVectors = 0) the last `rest` columns.
template <Reducer R, int kVectors>
inline void reduce_column_group(const ReducePanel& p, int64_t col, int64_t rest) {
  constexpr int64_t W = simd::Vec::kWidth;
  constexpr int kGroups = kVectors == 0 ? 1 : kVectors;
  auto read = [&](const float* at, int v) {
    if constexpr (kVectors == 0) return simd::load_n(at, rest);
    return simd::load(at + v * W);
  };
  Partial<R> partial[kGroups];
  simd::Vec shift[kGroups];
  for (int v = 0; v < kGroups; ++v) shift[v] = p.shift ? read(p.shift + col, v) : simd::zero();
  for (int64_t i = 0; i < p.rows;) {
    for (int64_t k = 0; k < simd::kSumBlock && i < p.rows; ++k, ++i) {
      const float* row = p.x + i * p.x_row + col;
      for (int v = 0; v < kGroups; ++v) partial[v].acc = fold<R>(partial[v].acc, read(row, v), shift[v]);
    }
    for (int v = 0; v < kGroups; ++v) partial[v].settle();
  }
  for (int v = 0; v < kGroups; ++v) {
    if constexpr (kVectors == 0) {
      simd::store_n(p.y + col, partial[v].value(), rest);
    } else {
      simd::store(p.y + col + v * W, partial[v].value());
    }
  }
}

template <Reducer R>
inline void reduce_rows_as(const ReducePanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) p.y[i] = reduce_row<R>(p.x + i * p.x_row, p.cols, p.shift ? p.shift[i] : 0.0f);
}

template <Reducer R>
inline void reduce_columns_as(const ReducePanel& p) {
  constexpr int64_t W = simd::Vec::kWidth;
  int64_t col = 0;
  for (; col + 4 * W <= p.cols; col += 4 * W) reduce_column_group<R, 4>(p, col, 0);
  for (; col + W <= p.cols; col += W) reduce_column_group<R, 1>(p, col, 0);
  if (col < p.cols) reduce_column_group<R, 0>(p, col, p.cols - col);
}

// Calls body.operator()<R>() for the R that `reducer` names.
template <class Body>
inline void with_reducer(Reducer reducer, const Body& body) {
  switch (reducer) {
    case Reducer::sum:
      return body.template operator()<Reducer::sum>();
    case Reducer::sum_abs:
      return body.template operator()<Reducer::sum_abs>();
    case Reducer::sum_square:
      return body.template operator()<Reducer::sum_square>();
    case Reducer::sum_exp:
      return body.template operator()<Reducer::sum_exp>();
    case Reducer::max:
      return body.template operator()<Reducer::max>();
    case Reducer::min:
      return body.template operator()<Reducer::min>();
    case Reducer::prod:
      return body.template operator()<Reducer::prod>();
  }
}

inline void reduce_rows(const ReducePanel& p) {
  with_reducer(p.reducer, [&]<Reducer R>() { reduce_rows_as<R>(p); });
}
inline void reduce_columns(const ReducePanel& p) {
  with_reducer(p.reducer, [&]<Reducer R>() { reduce_columns_as<R>(p); });
}

}  // namespace
}  // namespace fastconv
