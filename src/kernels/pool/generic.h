// The body of the pooling kernels, on the vector of the ISA file that includes it: channels are the lanes, and up to
// four vectors of channels are kept in registers while the taps of a window go by.
#pragma once

#include "kernels/pool/pool.h"

namespace fastconv {
namespace {

struct Max {
  static simd::Vec start() { return simd::broadcast(-__builtin_inff()); }
  // max() gives its second operand where either is NaN: that keeps a NaN found earlier; a new one is chosen here.
  static simd::Vec step(simd::Vec best, simd::Vec x) { return simd::select_nan(x, x, simd::max(x, best)); }
  static simd::Vec finish(simd::Vec best, simd::Vec) { return best; }
};

struct Mean {
  static simd::Vec start() { return simd::zero(); }
  static simd::Vec step(simd::Vec sum, simd::Vec x) { return simd::add(sum, x); }
  static simd::Vec finish(simd::Vec sum, simd::Vec divisor) { return simd::div(sum, divisor); }
};

// kVectors whole vectors of channels of one output pixel, or (kVectors = 0) the last `rest` channels.
template <class Reduce, int kVectors>
inline void pool_channels(const PoolRow& row, const PoolSpan& span_w, const float* src, float* dst, int64_t rest,
                          simd::Vec divisor) {
  constexpr int kAccumulators = kVectors == 0 ? 1 : kVectors, kLine = 16;  // values
  simd::Vec result[kAccumulators];
  for (int v = 0; v < kAccumulators; ++v) result[v] = Reduce::start();
  const int64_t step_d = row.step[0] * row.src_stride[0], step_h = row.step[1] * row.src_stride[1],
                step_w = row.step[2] * row.src_stride[2];
  for (int64_t d = 0; d < row.span_d.taps; ++d) {
    for (int64_t h = 0; h < row.span_h.taps; ++h) {
      const float* cell = src + d * step_d + h * step_h;
      for (int64_t w = 0; w < span_w.taps; ++w, cell += step_w) {
        if constexpr (kVectors == 0) {
          result[0] = Reduce::step(result[0], simd::load_n(cell, rest));
        } else {
          for (int v = 0; v < kVectors; ++v) {
            const float* values = cell + v * simd::Vec::kWidth;
            result[v] = Reduce::step(result[v], simd::load(values));
            if (v * simd::Vec::kWidth % kLine == 0) __builtin_prefetch(values + row.fetch);
          }
        }
      }
    }
  }
  if constexpr (kVectors == 0) {
    simd::store_n(dst, Reduce::finish(result[0], divisor), rest);
  } else {
    for (int v = 0; v < kVectors; ++v) simd::store(dst + v * simd::Vec::kWidth, Reduce::finish(result[v], divisor));
  }
}

template <class Reduce>
inline void pool_row(const PoolRow& row) {
  constexpr int64_t W = simd::Vec::kWidth;
  const float* rows = row.src + row.span_d.first * row.src_stride[0] + row.span_h.first * row.src_stride[1];
  for (int64_t p = 0; p < row.count; ++p) {
    const PoolSpan& span_w = row.span_w[p];
    const float* src = rows + span_w.first * row.src_stride[2];
    float* dst = row.dst + p * row.dst_pixel;
    int64_t cells = row.divisor;
    if (cells == 0) cells = row.span_d.counted * row.span_h.counted * span_w.counted;
    const simd::Vec divisor = simd::broadcast(static_cast<float>(cells == 0 ? 1 : cells));
    int64_t c = 0;
    for (; c + 4 * W <= row.channels; c += 4 * W) pool_channels<Reduce, 4>(row, span_w, src + c, dst + c, 0, divisor);
    for (; c + W <= row.channels; c += W) pool_channels<Reduce, 1>(row, span_w, src + c, dst + c, 0, divisor);
    if (c < row.channels) pool_channels<Reduce, 0>(row, span_w, src + c, dst + c, row.channels - c, divisor);
  }
}

}  // namespace
}  // namespace fastconv
