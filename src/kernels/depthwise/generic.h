// The depthwise kernel, written once on the vector type of src/simd/<isa>.h. Included by the family's ISA files only.
//
// A register tile is MR neighbouring outputs of one vector of channels. Where the taps of a row are S neighbours, each
// source vector is loaded once and used by every output it reaches, here with S = 3 and step = 1:
//
//   source      x0   x1   x2   x3   x4  ...        MR accumulators + S weights + 1 source:
//   output 0    w0   w1   w2                       AVX-512: 14 + 5 + 1 = 20 of 32 registers
//   output 1         w0   w1   w2                  AVX2:     7 + 5 + 1 = 13 of 16
//   output 2              w0   w1   w2
//
// Other taps load a source vector per product. Tiles at the ends of a row skip the source vectors that lie outside.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/store_tile.h"

namespace fastconv {
namespace {

using simd::Vec;

// Where a tile stands: output `first` of the row, `count` outputs, `lanes` channels from `channel` on.
struct TilePlace {
  int64_t first, count, channel, lanes;
};

template <bool kTail>
inline Vec load_lanes(const float* p, int64_t lanes) {
  return kTail ? simd::load_n(p, lanes) : simd::load(p);
}

// S taps side by side, outputs Step source pixels apart.
template <int S, int Step>
struct NeighbourTaps {
  template <bool kEdge, bool kTail, int MR>
  [[gnu::always_inline]] static inline void sum(const DepthwiseF32Args& a, const TilePlace& at, Vec (&acc)[MR][1]) {
    const int64_t x0 = a.taps[0].x + at.first * Step;
    // Source vectors [low, high) of the tile lie inside the row and are of use.
    const int64_t reach = (at.count - 1) * Step + S, inside = a.width - x0;
    const int64_t low = -x0, high = reach < inside ? reach : inside;
    const int64_t pixel = a.pixel, lanes = at.lanes;
    for (int64_t r = 0; r < a.row_count; ++r) {
      const float* weights = a.weights + a.rows[r].weights + at.channel;
      const float* src = a.src + a.rows[r].src + x0 * pixel + at.channel;
      Vec w[S];
#pragma GCC unroll 8
      for (int s = 0; s < S; ++s) w[s] = simd::load(weights + a.taps[s].weights);
#pragma GCC unroll 64
      for (int i = 0; i < (MR - 1) * Step + S; ++i, src += pixel) {
        if (kEdge && (i < low || i >= high)) continue;
        const Vec x = load_lanes<kTail>(src, lanes);
        asm volatile("" : : : "memory");  // GCC would rather load x again for each of its uses
#pragma GCC unroll 8
        for (int s = 0; s < S; ++s) {
          const int m = (i - s) / Step;
          if (i >= s && (i - s) % Step == 0 && m < MR) acc[m][0] = simd::fma(x, w[s], acc[m][0]);
        }
      }
    }
  }
};

// Any taps, any step.
struct AnyTaps {
  template <bool kEdge, bool kTail, int MR>
  [[gnu::always_inline]] static inline void sum(const DepthwiseF32Args& a, const TilePlace& at, Vec (&acc)[MR][1]) {
    for (int64_t r = 0; r < a.row_count; ++r) {
      const float* weights = a.weights + a.rows[r].weights + at.channel;
      const float* src = a.src + a.rows[r].src + at.channel;
      for (int64_t t = 0; t < a.tap_count; ++t) {
        const Vec w = simd::load(weights + a.taps[t].weights);
        int64_t x = a.taps[t].x + at.first * a.step;
#pragma GCC unroll 64
        for (int m = 0; m < MR; ++m, x += a.step) {
          if (kEdge && (m >= at.count || x < 0 || x >= a.width)) continue;
          acc[m][0] = simd::fma(load_lanes<kTail>(src + x * a.pixel, at.lanes), w, acc[m][0]);
        }
      }
    }
  }
};

template <int MR, class Taps, bool kEdge, bool kTail>
void depthwise_tile(const DepthwiseF32Args& a, const TilePlace& at) {
  Vec acc[MR][1];
#pragma GCC unroll 32
  for (int m = 0; m < MR; ++m) acc[m][0] = simd::zero();
  Taps::template sum<kEdge, kTail>(a, at, acc);
  const int64_t row = at.first - a.first;
  Epilogue e = a.epilogue;
  if (e.bias) e.bias += at.channel;
  if (e.residual) e.residual += row * e.residual_stride + at.channel;
  store_tile<kTail>(acc, e, a.dst + row * a.dst_stride + at.channel, a.dst_stride, kEdge ? at.count : MR, at.lanes);
}

template <int MR, class Taps, bool kEdge>
void depthwise_channels(const DepthwiseF32Args& a, int64_t first, int64_t count) {
  TilePlace at{first, count, 0, Vec::kWidth};
  for (; at.channel + Vec::kWidth <= a.channels; at.channel += Vec::kWidth) {
    depthwise_tile<MR, Taps, kEdge, false>(a, at);
  }
  at.lanes = a.channels - at.channel;
  if (at.lanes > 0) depthwise_tile<MR, Taps, kEdge, true>(a, at);
  apply_rows(a.epilogue.call, a.dst + (first - a.first) * a.dst_stride, a.dst_stride, count, a.channels);
}

// A tile of MR outputs, or, where half of it is enough, of half as many: rows of 7 pixels are common.
template <int MR, class Taps>
void depthwise_row(const DepthwiseF32Args& a) {
  const int64_t end = a.first + a.m;
  for (int64_t first = a.first; first < end; first += MR) {
    const int64_t count = end - first < MR ? end - first : MR;
    const bool inside = a.tap_count == 0 || (a.taps[0].x + first * a.step >= 0 &&
                                             a.taps[a.tap_count - 1].x + (first + MR - 1) * a.step < a.width);
    if (count <= MR / 2) {
      depthwise_channels<MR / 2, Taps, true>(a, first, count);
    } else if (inside && count == MR) {
      depthwise_channels<MR, Taps, false>(a, first, count);
    } else {
      depthwise_channels<MR, Taps, true>(a, first, count);
    }
  }
}

inline bool are_neighbours(const DepthwiseF32Args& a, int64_t count, int64_t step) {
  if (a.tap_count != count || a.step != step) return false;
  for (int64_t t = 1; t < count; ++t) {
    if (a.taps[t].x != a.taps[0].x + t) return false;
  }
  return true;
}

template <int MR>
void depthwise_f32(const DepthwiseF32Args& a) {
  if (are_neighbours(a, 3, 1)) return depthwise_row<MR, NeighbourTaps<3, 1>>(a);
  if (are_neighbours(a, 3, 2)) return depthwise_row<MR, NeighbourTaps<3, 2>>(a);
  if (are_neighbours(a, 5, 1)) return depthwise_row<MR, NeighbourTaps<5, 1>>(a);
  if (are_neighbours(a, 5, 2)) return depthwise_row<MR, NeighbourTaps<5, 2>>(a);
  depthwise_row<MR, AnyTaps>(a);
}

}  // namespace
}  // namespace fastconv
