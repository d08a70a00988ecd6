// The products of a few tiles, F(4 x 4, 3 x 3), by filters that are transformed in registers, written once on the
// vector type of src/simd/<isa>.h. Included by the family's ISA files only.
//
// A map of 5 to 8 pixels is four tiles. Filters at 36 points, read from beyond the caches for four rows of products,
// would be all that such a layer waits for; transforming them here takes fewer instructions than the products do. A row
// of points at a time, so that its sums stay in registers (AVX-512: 6 points x 4 tiles of the 32):
//
//   g[3][3] --a row of points--> h[3] --its 6 points--> u;  sum[point][tile] += broadcast(src[point][tile]) * u
//
// With taps scaled by powers of p_1 the points are 0, +-1, +-2 and infinity: half of a transform is additions, for
// which processors have units beside those of the products.
//
// 512@7 to 512, of it 0.41 ms in here (Zen 5, one thread, November 2026: fastconv bench layers 1x512x7x7:512:3): F(2,3)
// by tap-GEMM 0.59 ms, F(4,3) by tap-GEMM 0.75.
#pragma once

#include "kernels/winograd/points.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

template <int Tiles>
struct FewTiles {
  using Vec = simd::Vec;
  static constexpr int W = Vec::kWidth, P = 6, R = 3;
  static_assert(winograd_points<P>().p[1] == 2 * winograd_points<P>().p[0]);

  // Two blocks of channels: their filters and pixels, with the sums of all points, stay in L1 for the six rows.
  static constexpr int64_t kChunk = 2 * kFewChannels;

  // A filter's three taps to the points 0, +1, -1, +2, -2, infinity.
  [[gnu::always_inline]] static inline void to_points(const Vec (&g)[R], Vec (&u)[P]) {
    const Vec near = simd::add(g[0], g[2]), far = simd::fma(simd::broadcast(4.0f), g[2], g[0]);
    const Vec twice = simd::add(g[1], g[1]);
    u[0] = g[0];
    u[1] = simd::add(near, g[1]);
    u[2] = simd::sub(near, g[1]);
    u[3] = simd::add(far, twice);
    u[4] = simd::sub(far, twice);
    u[5] = g[2];
  }

  // Adds the products of channels [begin, end) to a row of points, or stores them, if they are the first.
  template <int Row>
  static inline void row_of_points(const WinogradFewArgs& a, int64_t begin, int64_t end) {
    Vec sum[P][Tiles];
#pragma GCC unroll 8
    for (int j = 0; j < P; ++j) {
#pragma GCC unroll 4
      for (int t = 0; t < Tiles; ++t) sum[j][t] = simd::zero();
    }
    const float* g = a.filters + begin * R * R * W;
    const int64_t ahead = kChunk * R * R * W;  // the next chunk's filters, of which each row fetches its part
    for (int64_t block = begin; block < end; block += kFewChannels) {
      const float* src = a.src + (block / kFewChannels * P + Row) * P * Tiles * kFewChannels;
      const int64_t count = end - block < kFewChannels ? end - block : kFewChannels;
      for (int64_t c = 0; c < count; ++c, ++src, g += R * R * W) {
        Vec h[R];
#pragma GCC unroll 4
        for (int s = 0; s < R; ++s) {
          Vec u[P];
          to_points({simd::load(g + s * W), simd::load(g + (R + s) * W), simd::load(g + (2 * R + s) * W)}, u);
          h[s] = u[Row];
        }
        __builtin_prefetch(g + ahead + Row * W, 0, 2);
        if (Row + P < R * R) __builtin_prefetch(g + ahead + (Row + P) * W, 0, 2);
        Vec u[P];
        to_points(h, u);
#pragma GCC unroll 8
        for (int j = 0; j < P; ++j) {
#pragma GCC unroll 4
          for (int t = 0; t < Tiles; ++t) {
            sum[j][t] = simd::fma(simd::broadcast(src[(j * Tiles + t) * kFewChannels]), u[j], sum[j][t]);
          }
        }
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < P; ++j) {
#pragma GCC unroll 4
      for (int t = 0; t < Tiles; ++t) {
        float* const dst = a.dst + ((Row * P + j) * Tiles + t) * W;
        simd::store(dst, begin > 0 ? simd::add(simd::load(dst), sum[j][t]) : sum[j][t]);
      }
    }
  }

  static void run(const WinogradFewArgs& a) {
    for (int64_t begin = 0; begin < a.channels; begin += kChunk) {
      const int64_t end = begin + kChunk < a.channels ? begin + kChunk : a.channels;
      row_of_points<0>(a, begin, end);
      row_of_points<1>(a, begin, end);
      row_of_points<2>(a, begin, end);
      row_of_points<3>(a, begin, end);
      row_of_points<4>(a, begin, end);
      row_of_points<5>(a, begin, end);
    }
  }
};

// For a run-time number of tiles in [1, Most].
template <int Most>
void winograd_few(const WinogradFewArgs& a) {
  if constexpr (Most > 1) {
    if (a.tiles < Most) return winograd_few<Most - 1>(a);
  }
  FewTiles<Most>::run(a);
}

}  // namespace
}  // namespace fastconv

#define FASTCONV_WINOGRAD_FEW_TILES(tiles, columns, isa)                            \
  void winograd_f32_few_##tiles##x##columns##__##isa(const WinogradFewArgs& args) { \
    static_assert(columns == simd::Vec::kWidth);                                    \
    winograd_few<tiles>(args);                                                      \
  }
