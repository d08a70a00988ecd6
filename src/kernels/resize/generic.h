// The body of the resize kernels: channels are the lanes, and up to four vectors of channels are summed at a time.
// The taps of the usual cases (nearest; linear in two axes) are template parameters, so that their loops vanish.
#pragma once

#include "kernels/resize/resize.h"

namespace fastconv {
namespace {

// A block of channels of one output pixel: kVectors whole vectors, or (kVectors = 0) the last `rest` channels.
// kRows, kCols: the numbers of taps; 0: those of the row.
template <int kRows, int kCols, int kVectors>
inline void resize_channels(const ResizeRow& row, int64_t pixel, int64_t channel, int64_t rest) {
  constexpr int kSums = kVectors == 0 ? 1 : kVectors;
  const int64_t rows = kRows == 0 ? row.row_taps : kRows, cols = kCols == 0 ? row.col_taps : kCols;
  const int64_t* col_offset = row.col_offset + pixel * cols;
  const float* col_weight = row.col_weight + pixel * cols;
  const auto load = [rest](const float* cell, int v) {
    return kVectors == 0 ? simd::load_n(cell, rest) : simd::load(cell + v * simd::Vec::kWidth);
  };
  const auto sum_line = [&](int64_t r, simd::Vec(&line)[kSums]) {
    const float* src = row.src + row.row_offset[r] + channel;
    for (int v = 0; v < kSums; ++v) line[v] = simd::mul(simd::broadcast(col_weight[0]), load(src + col_offset[0], v));
    for (int64_t k = 1; k < cols; ++k) {
      const simd::Vec weight = simd::broadcast(col_weight[k]);
      for (int v = 0; v < kSums; ++v) line[v] = simd::fma(weight, load(src + col_offset[k], v), line[v]);
    }
  };
  simd::Vec sum[kSums];
  sum_line(0, sum);
  if (kRows != 1) {
    for (int v = 0; v < kSums; ++v) sum[v] = simd::mul(simd::broadcast(row.row_weight[0]), sum[v]);
    for (int64_t r = 1; r < rows; ++r) {
      simd::Vec line[kSums];
      sum_line(r, line);
      const simd::Vec weight = simd::broadcast(row.row_weight[r]);
      for (int v = 0; v < kSums; ++v) sum[v] = simd::fma(weight, line[v], sum[v]);
    }
  }
  float* dst = row.dst + pixel * row.dst_pixel + channel;
  for (int v = 0; v < kSums; ++v) {
    if (kVectors == 0) {
      simd::store_n(dst, sum[v], rest);
    } else {
      simd::store(dst + v * simd::Vec::kWidth, sum[v]);
    }
  }
}

template <int kRows, int kCols>
inline void resize_pixels(const ResizeRow& row) {
  constexpr int64_t W = simd::Vec::kWidth;
  for (int64_t p = 0; p < row.count; ++p) {
    int64_t c = 0;
    for (; c + 4 * W <= row.channels; c += 4 * W) resize_channels<kRows, kCols, 4>(row, p, c, 0);
    for (; c + W <= row.channels; c += W) resize_channels<kRows, kCols, 1>(row, p, c, 0);
    if (c < row.channels) resize_channels<kRows, kCols, 0>(row, p, c, row.channels - c);
  }
}

inline void resize_row(const ResizeRow& row) {
  if (row.row_taps == 1 && row.col_taps == 1) return resize_pixels<1, 1>(row);
  if (row.row_taps == 2 && row.col_taps == 2) return resize_pixels<2, 2>(row);
  if (row.row_taps == 1) return resize_pixels<1, 0>(row);
  resize_pixels<0, 0>(row);
}

}  // namespace
}  // namespace fastconv
