// The tap-GEMM kernel, written once on the vector type of src/simd/<isa>.h. Included by the family's ISA files only.
//
// A register tile holds MR rows by NV vectors of accumulators; each step of k loads NV vectors of weights and
// broadcasts MR source values:
//
//                 w[k, 0..W)  w[k, W..2W)
//   src[row 0, k] [ acc 0,0 ] [ acc 0,1 ]        AVX-512: 14 x 2 accumulators + 2 weights + 1 broadcast = 31 of 32
//   src[row 1, k] [ acc 1,0 ] [ acc 1,1 ]        AVX2:     6 x 2 + 2 + 1 = 15 of 16
//        ...          ...         ...
//
// Three vectors of columns that end a matrix are one tile, of fewer rows (AVX-512: 9 x 3 accumulators, AVX2: 4 x 3): a
// tile of a single vector waits for its loads. The third vector's weights lie in the next panel.
//
// A last vector that is at most half full, behind one or two whole ones, holds two rows: its lower half the first one's
// last columns, its upper half the second one's. It is multiplied with values of both, picked from their broadcasts.
//
//                 w[k, 0..W)  w[k, W..3/2 W) twice
//   src[row 0, k] [ acc 0,0 ] [         ]              AVX-512: 16 rows, 16 + 8 accumulators + 2 weights + 3
//   src[row 1, k] [ acc 1,0 ] [ acc 0,1 ]              AVX2:     6 rows,  6 + 3 + 2 + 3
//
// Elements are floats, or pairs of bfloat16 whose two products one lane sums.
//
// Rows left over at the end are spread: 16 rows of MR = 14 run as 8 + 8, not 14 + 2, since short tiles wait for
// the latency of their multiply-adds.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/store_tile.h"

namespace fastconv {
namespace {

using simd::Vec;

template <class Element>
using Source = decltype(simd::broadcast(Element{}));  // a vector of elements

// kFetch: each step of k also fetches a line, from `fetch` on, into the second cache. Two things are read from beyond
// it: weights, where they are large (the first tile of a panel fetches for all), and the rows of the next tiles, where
// the source is (each tile fetches: a line per step is more than its rows need).
// kHalf: the last of the NV vectors holds two rows. Then MR is even, and the last row may be missing.
template <class Element, int MR, int NV, bool kFetch, bool kHalf>
struct GemmTile {
  static constexpr int W = Vec::kWidth, NR = kPanelVectors * W, kWhole = NV - kHalf;
  static constexpr int kLine = 16;  // elements

  static void run(const GemmArgs<Element>& a, int64_t first_row, [[maybe_unused]] int64_t rows,
                  [[maybe_unused]] const Element* fetch) {
    const int64_t rs = a.row_stride;
    const Element* src = a.src + first_row * rs;
    float* dst = a.dst + first_row * a.dst_stride;
    Epilogue epilogue = a.epilogue;
    if (epilogue.residual) epilogue.residual += first_row * epilogue.residual_stride;
    // The residual of a large layer comes from memory: its lines arrive while the sums are made.
    if (epilogue.residual) {
#pragma GCC unroll 32
      for (int i = 0; i < MR; ++i) __builtin_prefetch(epilogue.residual + i * epilogue.residual_stride);
    }
    Vec acc[MR][kWhole];
    [[maybe_unused]] Vec half[(MR + 1) / 2];
#pragma GCC unroll 32
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kWhole; ++j) acc[i][j] = simd::zero();
      if constexpr (kHalf) half[i / 2] = simd::zero();
    }
    // A last row that is missing is the one before it, computed again.
    const int64_t last_row = (MR - 1) % 3 * rs - (kHalf && rows < MR ? rs : 0);
    for (int64_t t = 0; t < a.tap_count; ++t) {
      const Element* w = a.weights + a.taps[t].weights;
      [[maybe_unused]] const int64_t ahead = !kFetch          ? 0
                                             : a.fetch_source ? fetch + a.taps[t].src - w
                                                              : fetch - a.weights;
      // Every third row has a pointer of its own; the two between are reached by base + index addressing, so that
      // 14 rows need 5 pointers and not 14.
      const Element* row[(MR + 2) / 3];
#pragma GCC unroll 8
      for (int i = 0; i < (MR + 2) / 3; ++i) row[i] = src + a.taps[t].src + 3 * i * rs;
      for (int64_t k = 0; k < a.k; ++k) {
        Source<Element> b[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) {
          const Element* from = j < kPanelVectors ? w + j * W : w + a.panel_stride + (j - kPanelVectors) * W;
          b[j] = simd::load(from);
          if constexpr (kHalf) b[j] = j < kWhole ? b[j] : simd::load_half_twice(from);
        }
        [[maybe_unused]] Source<Element> before;
#pragma GCC unroll 32
        for (int i = 0; i < MR; ++i) {
          const Source<Element> x = simd::broadcast(row[i / 3][i + 1 < MR ? i % 3 * rs : last_row]);
#pragma GCC unroll 4
          for (int j = 0; j < kWhole; ++j) acc[i][j] = simd::fma(x, b[j], acc[i][j]);
          if constexpr (kHalf) {
            if (i % 2 == 1) half[i / 2] = simd::fma(simd::halves(before, x), b[kWhole], half[i / 2]);
            before = x;
          }
        }
        if constexpr (kFetch) {
#pragma GCC unroll 4
          for (int j = 0; j < NV * W; j += kLine) __builtin_prefetch(w + ahead + j, 0, 2);
        }
        w += NR;
#pragma GCC unroll 8
        for (int i = 0; i < (MR + 2) / 3; ++i) ++row[i];
      }
    }
    const int64_t last = a.n - (NV - 1) * W;  // columns of the last vector
    if constexpr (kHalf) {
      store_tile<false>(acc, epilogue, dst, a.dst_stride, rows, W);
      Vec ends[MR][1];
#pragma GCC unroll 32
      for (int i = 0; i < MR; ++i) ends[i][0] = i % 2 == 0 ? half[i / 2] : simd::upper_half(half[i / 2]);
      if (epilogue.bias) epilogue.bias += kWhole * W;
      if (epilogue.residual) epilogue.residual += kWhole * W;
      store_tile<true>(ends, epilogue, dst + kWhole * W, a.dst_stride, rows, last);
    } else if (last == W) {
      store_tile<false>(acc, epilogue, dst, a.dst_stride, MR, last);
    } else {
      store_tile<true>(acc, epilogue, dst, a.dst_stride, MR, last);
    }
  }
};

// Calls GemmTile::run for a run-time number of rows in [1, MR].
template <class Element, int MR, int NV, bool kFetch, bool kHalf>
void gemm_rows(const GemmArgs<Element>& a, int64_t first_row, int64_t rows, const Element* fetch) {
  constexpr int kStep = kHalf ? 2 : 1;
  if constexpr (MR > kStep) {
    if (rows <= MR - kStep) return gemm_rows<Element, MR - kStep, NV, kFetch, kHalf>(a, first_row, rows, fetch);
  }
  GemmTile<Element, MR, NV, kFetch, kHalf>::run(a, first_row, rows, fetch);
}

// Functions run over the rows of some tiles at a time: the end of a tile's sums and the start of the next one's do not
// overlap with one as long as they, and few rows stay in L1 even where they are a power of two apart.
constexpr int64_t kTilesApplied = 4;

// Rows that are a multiple of 4 KiB apart lie in one set of the first cache: more of them than it has ways would push
// each other out at each step of k. 1x1 1024@14 to 512 0.807 ms in tiles of 14 rows, 0.779 of 12, 0.783 of 11, 0.786
// of 10. Zen 5 (48 KB, 12 ways), one thread, November 2026: fastconv bench layers 1x1024x14x14:512:1
constexpr int64_t kPage = 4096, kWays = 12;

template <class Element, int MR, int NV, bool kHalf = false>
void gemm_tiles(GemmArgs<Element> a) {
  const bool one_set = a.row_stride * static_cast<int64_t>(sizeof(Element)) % kPage == 0;
  const int64_t rows = one_set && MR > kWays ? kWays : MR, tiles = (a.m + rows - 1) / rows;
  const int64_t step = kHalf ? 2 : 1, steps = (a.m + step - 1) / step;
  const bool applies = !applies_in_tile(a.epilogue.call);
  for (int64_t product = 0; product < a.batch.count; ++product) {
    int64_t applied = 0;
    for (int64_t t = 0, begin = 0, end; t < tiles; ++t, begin = end) {
      end = t + 1 < tiles ? steps * (t + 1) / tiles * step : a.m;
      const bool fetch_weights = t == 0 && a.fetch_ahead;
      const Element* fetch = a.fetch_source  ? a.src + end * a.row_stride
                             : fetch_weights ? a.weights + a.fetch_ahead
                                             : nullptr;
      if (fetch) {
        gemm_rows<Element, MR, NV, true, kHalf>(a, begin, end - begin, fetch);
      } else {
        gemm_rows<Element, MR, NV, false, kHalf>(a, begin, end - begin, nullptr);
      }
      if (applies && (t + 1 == tiles || t % kTilesApplied == kTilesApplied - 1)) {
        apply_rows(a.epilogue.call, a.dst + applied * a.dst_stride, a.dst_stride, end - applied, a.n);
        applied = end;
      }
    }
    a.src += a.batch.src;
    a.weights += a.batch.weights;
    a.dst += a.batch.dst;
  }
}

template <int MR, class Element>
void gemm(const GemmArgs<Element>& a) {
  constexpr int W = Vec::kWidth;
  if (a.n <= W) return gemm_tiles<Element, MR, 1>(a);
  if constexpr (has_half_tiles<Element>(W)) {
    if (a.n <= W + W / 2) return gemm_tiles<Element, half_rows(MR, 1), 2, true>(a);
    if (a.n > 2 * W && a.n <= 2 * W + W / 2) return gemm_tiles<Element, half_rows(MR, 2), 3, true>(a);
  }
  if (a.n <= kPanelVectors * W) return gemm_tiles<Element, MR, kPanelVectors>(a);
  gemm_tiles<Element, wide_rows(MR), kPanelVectors + 1>(a);
}

}  // namespace
}  // namespace fastconv
