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
// Other numbers of neighbours go by fours. Taps that are no neighbours load a source vector per product. Tiles at the
// ends of a row skip the source vectors that lie outside. Where those are at most half a window's, as in rows that keep
// their length, and the tile is full, no other vector is asked whether it does.
// With more than one channel a group this repeats for each input of the group; only what a load gives differs.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/store_tile.h"

namespace fastconv {
namespace {

using simd::Vec;

constexpr int kLine = 16;  // floats of a cache line

// Where a tile stands: output `first` of the row, `count` outputs, `lanes` channels from `channel` on, whose weights
// begin at `weights`.
struct TilePlace {
  int64_t first, count, channel, lanes;
  const float* weights;
};

// Source vectors of a tile that may lie beside the row: so many at each end of a full tile, or any.
constexpr int kAnyOutside = -1;

template <bool kTail>
inline Vec load_lanes(const float* p, int64_t lanes) {
  return kTail ? simd::load_n(p, lanes) : simd::load(p);
}

// What the lanes of a vector of outputs multiply, for input j of their groups: `offset` elements into a source pixel.
//
// Groups of one channel: each lane its own.
struct OwnChannel {
  static constexpr bool kDepthwise = true, kWholeVectors = false;
  static int64_t inputs(const DepthwiseF32Args&) { return 1; }
  OwnChannel(const DepthwiseF32Args&, const TilePlace& at, int64_t) : offset(at.channel) {}
  template <bool kTail>
  Vec load(const float* p, int64_t lanes) const {
    return load_lanes<kTail>(p, lanes);
  }
  int64_t offset;
};

// Several groups in a vector: their inputs are the vector at the outputs' own channels, of which each lane picks one.
struct NarrowGroups {
  static constexpr bool kDepthwise = false, kWholeVectors = false;
  static int64_t inputs(const DepthwiseF32Args& a) { return a.group; }
  NarrowGroups(const DepthwiseF32Args& a, const TilePlace& at, int64_t j)
      : offset(at.channel), picked(simd::group_lanes(static_cast<int>(a.group), static_cast<int>(j))) {}
  template <bool kTail>
  Vec load(const float* p, int64_t lanes) const {
    return simd::pick(load_lanes<kTail>(p, lanes), picked);
  }
  int64_t offset;
  simd::Lanes picked;
};

// A group of one or more vectors: all lanes have the same input.
struct WideGroups {
  static constexpr bool kDepthwise = false, kWholeVectors = true;
  static int64_t inputs(const DepthwiseF32Args& a) { return a.group; }
  WideGroups(const DepthwiseF32Args& a, const TilePlace& at, int64_t j) : offset((at.channel & -a.group) + j) {}
  template <bool kTail>
  Vec load(const float* p, int64_t) const {
    return simd::broadcast(*p);
  }
  int64_t offset;
};

// Adds the products of S taps side by side, outputs Step source pixels apart. `row` and `weights` are those of the row
// of taps and the input that `source` takes.
template <int S, int Step, int kOutside, bool kTail, class Source, int MR>
[[gnu::always_inline]] inline void add_neighbours(const DepthwiseF32Args& a, const TilePlace& at, const Source& source,
                                                  const float* row, const float* weights, const RowTap* taps,
                                                  Vec (&acc)[MR][1]) {
  const int64_t x0 = taps[0].x + at.first * Step;
  // Source vectors [low, high) of the tile lie inside the row and are of use.
  const int64_t reach = (at.count - 1) * Step + S, inside = a.width - x0;
  const int64_t low = -x0, high = reach < inside ? reach : inside;
  const int64_t pixel = a.pixel, lanes = at.lanes;
  const float* src = row + x0 * pixel;
  Vec w[S];
#pragma GCC unroll 8
  for (int s = 0; s < S; ++s) w[s] = simd::load(weights + taps[s].weights);
  constexpr int kSources = (MR - 1) * Step + S;
#pragma GCC unroll 64
  for (int i = 0; i < kSources; ++i, src += pixel) {
    if ((kOutside == kAnyOutside || i < kOutside) && i < low) continue;
    if ((kOutside == kAnyOutside || i >= kSources - kOutside) && i >= high) continue;
    const Vec x = source.template load<kTail>(src, lanes);
    asm volatile("" : : : "memory");  // GCC would rather load x again for each of its uses
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) {
      const int m = (i - s) / Step;
      if (i >= s && (i - s) % Step == 0 && m < MR) acc[m][0] = simd::fma(x, w[s], acc[m][0]);
    }
  }
}

// S taps side by side, outputs Step source pixels apart.
template <int S, int Step>
struct NeighbourTaps {
  static constexpr int kEnds = S / 2;  // source vectors beside the row, where it keeps its length
  template <class Source, int kOutside, bool kTail, int MR>
  [[gnu::always_inline]] static inline void sum(const DepthwiseF32Args& a, const TilePlace& at, Vec (&acc)[MR][1]) {
    const int64_t inputs = Source::inputs(a);
    for (int64_t r = 0; r < a.row_count; ++r) {
      const float* weights = at.weights + a.rows[r].weights;
      const float* row = a.src + a.rows[r].src;
      for (int64_t j = 0; j < inputs; ++j, weights += kDepthwiseLanes) {
        const Source source(a, at, j);
        add_neighbours<S, Step, kOutside, kTail>(a, at, source, row + source.offset, weights, a.taps, acc);
      }
    }
  }
};

// Any number of taps side by side, outputs Step source pixels apart, of groups of one channel: four at a time and then
// the rest, so that weights fit the registers. On Zen 5, November 2026, through Conv::run, for a load per product:
// 1000 pixels of 64 channels, 31 taps: 17 us for 29 (AVX2: 36 for 53); 28x28x64, 7x7: 22 for 54 (AVX2: 43 for 75).
template <int Step>
struct ManyNeighbourTaps {
  static constexpr int kEnds = 0;
  template <class Source, int kOutside, bool kTail, int MR>
  [[gnu::always_inline]] static inline void sum(const DepthwiseF32Args& a, const TilePlace& at, Vec (&acc)[MR][1]) {
    const Source source(a, at, 0);
    for (int64_t r = 0; r < a.row_count; ++r) {
      const float* weights = at.weights + a.rows[r].weights;
      const float* row = a.src + a.rows[r].src + source.offset;
      const RowTap* taps = a.taps;
      int64_t left = a.tap_count;
      for (; left >= 4; taps += 4, left -= 4) {
        add_neighbours<4, Step, kOutside, kTail>(a, at, source, row, weights, taps, acc);
      }
      if (left == 3) add_neighbours<3, Step, kOutside, kTail>(a, at, source, row, weights, taps, acc);
      if (left == 2) add_neighbours<2, Step, kOutside, kTail>(a, at, source, row, weights, taps, acc);
      if (left == 1) add_neighbours<1, Step, kOutside, kTail>(a, at, source, row, weights, taps, acc);
    }
  }
};

// Any taps, any step.
struct AnyTaps {
  static constexpr int kEnds = 0;
  template <class Source, int kOutside, bool kTail, int MR>
  [[gnu::always_inline]] static inline void sum(const DepthwiseF32Args& a, const TilePlace& at, Vec (&acc)[MR][1]) {
    const int64_t step = a.step * a.pixel;
    for (int64_t r = 0; r < a.row_count; ++r) {
      const float* weights = at.weights + a.rows[r].weights;
      for (int64_t j = 0; j < Source::inputs(a); ++j, weights += kDepthwiseLanes) {
        const Source source(a, at, j);
        const float* row = a.src + a.rows[r].src + source.offset;
        for (int64_t t = 0; t < a.tap_count; ++t) {
          const Vec w = simd::load(weights + a.taps[t].weights);
          int64_t x = a.taps[t].x + at.first * a.step;
          const float* src = row + x * a.pixel;
#pragma GCC unroll 64
          for (int m = 0; m < MR; ++m, x += a.step) {
            if (kOutside == kAnyOutside && (m >= at.count || x < 0 || x >= a.width)) continue;
            acc[m][0] = simd::fma(source.template load<kTail>(src + m * step, at.lanes), w, acc[m][0]);
          }
        }
      }
    }
  }
};

template <int MR, class Taps, class Source, int kOutside, bool kTail>
void depthwise_tile(const DepthwiseF32Args& a, const TilePlace& at) {
  Vec acc[MR][1];
#pragma GCC unroll 32
  for (int m = 0; m < MR; ++m) acc[m][0] = simd::zero();
  Taps::template sum<Source, kOutside, kTail>(a, at, acc);
  const int64_t row = at.first - a.first;
  Epilogue e = a.epilogue;
  if (e.bias) e.bias += at.channel;
  if (e.residual) e.residual += row * e.residual_stride + at.channel;
  store_tile<kTail>(acc, e, a.dst + row * a.dst_stride + at.channel, a.dst_stride,
                    kOutside == kAnyOutside ? at.count : MR, at.lanes);
}

// Fetches what the next tile needs of one line of channels, and no row above has read before: its outputs, and the
// pixels of the last `step` rows of taps. A large map comes from memory, in pieces too short for the hardware to
// foresee.
template <int MR>
[[gnu::always_inline]] inline void fetch_next(const DepthwiseF32Args& a, int64_t first, int64_t channel) {
  const float* dst = a.dst + (first + MR - a.first) * a.dst_stride + channel;
  if (!a.epilogue.stream) {
    for (int i = 0; i < MR; ++i) __builtin_prefetch(dst + i * a.dst_stride, 1);
  }
  const int64_t x = (a.tap_count ? a.taps[a.tap_count - 1].x : 0) + first * a.step;  // beyond this tile's first output
  const int64_t rows = a.step < a.row_count ? a.step : a.row_count;
  for (int64_t r = a.row_count - rows; r < a.row_count; ++r) {
    const float* src = a.src + a.rows[r].src + (x + MR * a.step) * a.pixel + channel;
    for (int64_t i = 0; i < MR * a.step; ++i) __builtin_prefetch(src + i * a.pixel);
  }
}

template <int MR, class Taps, class Source, int kOutside>
void depthwise_channels(const DepthwiseF32Args& a, int64_t first, int64_t count) {
  TilePlace at{first, count, 0, Vec::kWidth, a.weights};
  while (at.channel + Vec::kWidth <= a.channels) {
    if (a.fetch && at.channel % kLine == 0) fetch_next<MR>(a, first, at.channel);
    depthwise_tile<MR, Taps, Source, kOutside, false>(a, at);
    at.channel += Vec::kWidth;
    at.weights += at.channel % kDepthwiseLanes == 0 ? kDepthwiseLanes * (a.window - 1) + Vec::kWidth : Vec::kWidth;
  }
  if constexpr (!Source::kWholeVectors) {
    at.lanes = a.channels - at.channel;
    if (at.lanes > 0) depthwise_tile<MR, Taps, Source, kOutside, true>(a, at);
  }
  apply_rows(a.epilogue.call, a.dst + (first - a.first) * a.dst_stride, a.dst_stride, count, a.channels);
}

// A tile of MR outputs, or of fewer.
template <int MR, class Taps, class Source>
void depthwise_outputs(const DepthwiseF32Args& a, int64_t first, int64_t count) {
  constexpr int kEnds = Source::kDepthwise ? Taps::kEnds : 0;
  int64_t before = 0, behind = 0;  // source vectors of a full tile beside the row
  if (a.tap_count > 0) {
    before = -(a.taps[0].x + first * a.step);
    behind = a.taps[a.tap_count - 1].x + (first + MR - 1) * a.step - (a.width - 1);
  }
  if (count == MR && before <= kEnds && behind <= kEnds) {
    depthwise_channels<MR, Taps, Source, kEnds>(a, first, count);
  } else {
    depthwise_channels<MR, Taps, Source, kAnyOutside>(a, first, count);
  }
}

// A tile of MR outputs, or, where half of it is enough, of half as many: rows of 7 pixels are common.
template <int MR, class Taps, class Source>
void depthwise_row(const DepthwiseF32Args& a) {
  const int64_t end = a.first + a.m;
  for (int64_t first = a.first; first < end; first += MR) {
    const int64_t count = end - first < MR ? end - first : MR;
    if (count <= MR / 2) {
      depthwise_outputs<MR / 2, Taps, Source>(a, first, count);
    } else {
      depthwise_outputs<MR, Taps, Source>(a, first, count);
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

template <int MR, class Source>
void depthwise_taps(const DepthwiseF32Args& a) {
  if (are_neighbours(a, 3, 1)) return depthwise_row<MR, NeighbourTaps<3, 1>, Source>(a);
  if (are_neighbours(a, 3, 2)) return depthwise_row<MR, NeighbourTaps<3, 2>, Source>(a);
  if constexpr (Source::kDepthwise) {  // windows of five and more are theirs
    if (are_neighbours(a, 5, 1)) return depthwise_row<MR, NeighbourTaps<5, 1>, Source>(a);
    if (are_neighbours(a, 5, 2)) return depthwise_row<MR, NeighbourTaps<5, 2>, Source>(a);
    if (are_neighbours(a, a.tap_count, 1)) return depthwise_row<MR, ManyNeighbourTaps<1>, Source>(a);
    if (are_neighbours(a, a.tap_count, 2)) return depthwise_row<MR, ManyNeighbourTaps<2>, Source>(a);
  }
  depthwise_row<MR, AnyTaps, Source>(a);
}

template <int MR>
void depthwise_f32(const DepthwiseF32Args& a) {
  if (a.group == 1) return depthwise_taps<MR, OwnChannel>(a);
  if (a.group < Vec::kWidth) return depthwise_taps<MR, NarrowGroups>(a);
  depthwise_taps<MR, WideGroups>(a);
}

}  // namespace
}  // namespace fastconv
