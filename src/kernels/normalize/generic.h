// The bodies of the normalize kernels, on the vector of the ISA file that includes them.
#pragma once

#include "kernels/normalize/normalize.h"
#include "simd/sum.h"

namespace fastconv {
namespace {

// A vector of values at p: whole, or its first n where n < kWidth.
inline simd::Vec read(const float* p, int64_t n) {
  return n >= simd::Vec::kWidth ? simd::load(p) : simd::load_n(p, n);
}
inline void write(float* p, simd::Vec v, int64_t n) {
  if (n >= simd::Vec::kWidth) {
    simd::store(p, v);
  } else {
    simd::store_n(p, v, n);
  }
}

// Turns exponentials into shares: times 1 / sum, or (log) x - largest - log(sum).
struct SoftmaxEnd {
  simd::Vec largest, factor, log_sum;
  SoftmaxEnd(simd::Vec largest, simd::Vec sum)
      : largest(largest), factor(simd::div(simd::vec(1.0f), sum)), log_sum(simd::log(sum)) {}
  simd::Vec share(simd::Vec exponential) const { return simd::mul(exponential, factor); }
  simd::Vec log_share(simd::Vec x) const { return simd::sub(simd::sub(x, largest), log_sum); }
};

inline void softmax_row(const float* x, float* y, int64_t n, bool log) {
  constexpr int64_t W = simd::Vec::kWidth;
  constexpr float kLowest = -__builtin_inff();
  // A NaN is passed over here, and shows in the sum of exponentials.
  simd::Vec best = simd::vec(kLowest);
  int64_t j = 0;
  for (; j + W <= n; j += W) best = simd::max(simd::load(x + j), best);
  if (j < n) best = simd::max(simd::load_or(x + j, n - j, kLowest), best);
  const simd::Vec largest = simd::vec(simd::reduce_max(best));

  simd::Total total;
  for (j = 0; j < n;) {
    simd::Vec block = simd::zero();
    for (int64_t k = 0; k < simd::kSumBlock && j < n; ++k, j += W) {
      const simd::Vec value = j + W <= n ? simd::load(x + j) : simd::load_or(x + j, n - j, kLowest);
      const simd::Vec exponential = simd::exp(simd::sub(value, largest));
      block = simd::add(block, exponential);
      if (!log) write(y + j, exponential, n - j);
    }
    total.settle(block);
  }
  const SoftmaxEnd end(largest, simd::vec(static_cast<float>(simd::sum_lanes(total.value()))));
  for (j = 0; j < n; j += W) {
    write(y + j, log ? end.log_share(read(x + j, n - j)) : end.share(read(y + j, n - j)), n - j);
  }
}

inline void softmax_rows(const SoftmaxPanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) softmax_row(p.x + i * p.row, p.y + i * p.row, p.cols, p.log);
}

// The columns [col, col + kWidth), or those of them that there are.
inline void softmax_column_group(const SoftmaxPanel& p, int64_t col) {
  const int64_t n = p.cols - col;
  const float* x = p.x + col;
  float* y = p.y + col;
  simd::Vec largest = simd::vec(-__builtin_inff());
  for (int64_t i = 0; i < p.rows; ++i) largest = simd::max(read(x + i * p.row, n), largest);
  simd::Total total;
  for (int64_t i = 0; i < p.rows;) {
    simd::Vec block = simd::zero();
    for (int64_t k = 0; k < simd::kSumBlock && i < p.rows; ++k, ++i) {
      const simd::Vec exponential = simd::exp(simd::sub(read(x + i * p.row, n), largest));
      block = simd::add(block, exponential);
      if (!p.log) write(y + i * p.row, exponential, n);
    }
    total.settle(block);
  }
  const SoftmaxEnd end(largest, total.value());
  for (int64_t i = 0; i < p.rows; ++i) {
    write(y + i * p.row, p.log ? end.log_share(read(x + i * p.row, n)) : end.share(read(y + i * p.row, n)), n);
  }
}

inline void softmax_columns(const SoftmaxPanel& p) {
  for (int64_t col = 0; col < p.cols; col += simd::Vec::kWidth) softmax_column_group(p, col);
}

template <bool kStatColumns, bool kAffineColumns>
inline void normalize_rows(const NormalizePanel& p) {
  constexpr int64_t W = simd::Vec::kWidth;
  for (int64_t i = 0; i < p.rows; ++i) {
    const float *mean = p.mean + i * p.stat_row, *inv_std = p.inv_std + i * p.stat_row;
    const float *scale = p.scale + i * p.affine_row, *bias = p.bias + i * p.affine_row;
    for (int64_t j = 0; j < p.cols; j += W) {
      const int64_t n = p.cols - j, at = i * p.row + j;
      auto stat = [&](const float* v) { return kStatColumns ? read(v + j, n) : simd::broadcast(*v); };
      auto affine = [&](const float* v) { return kAffineColumns ? read(v + j, n) : simd::broadcast(*v); };
      const simd::Vec centred = simd::sub(read(p.x + at, n), stat(mean));
      write(p.y + at, simd::fma(centred, simd::mul(stat(inv_std), affine(scale)), affine(bias)), n);
    }
  }
}

inline void normalize(const NormalizePanel& p) {
  if (p.stat_col) return p.affine_col ? normalize_rows<true, true>(p) : normalize_rows<true, false>(p);
  return p.affine_col ? normalize_rows<false, true>(p) : normalize_rows<false, false>(p);
}

inline void lrn(const LrnRow& p) {
  const simd::Vec alpha = simd::vec(p.alpha), minus_beta = simd::vec(-p.beta), bias = simd::vec(p.bias);
  for (int64_t j = 0; j < p.n; j += simd::Vec::kWidth) {
    const int64_t n = p.n - j;
    simd::Vec sum = simd::zero();
    for (int64_t k = p.first; k <= p.last; ++k) {
      const simd::Vec x = read(p.x + j + k * p.channel, n);
      sum = simd::fma(x, x, sum);
    }
    const simd::Vec power = simd::exp(simd::mul(minus_beta, simd::log(simd::fma(alpha, sum, bias))));
    write(p.y + j, simd::mul(read(p.x + j, n), power), n);
  }
}

}  // namespace
}  // namespace fastconv
