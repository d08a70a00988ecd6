// The transforms, written once for all m, r and one or two axes on the vector type of src/simd/<isa>.h. Included by the
// family's ISA files only.
//
// A two-dimensional transform is the one-dimensional one on every column, then on every row of the result. The one
// in between lives on the stack: for six points that is 36 vectors, a little more than the registers hold.
//
// Each transform fetches the pixels of the next tile, to be read or written: a large map comes from memory, in pieces
// too short for the hardware to foresee. 64@224 F(4,3): 8.06 ms without, 6.42 fetching what is read, 6.15 with both;
// 64@56 0.335 and 0.336. Zen 5, one thread, November 2026: fastconv bench layers 1x64x224x224:64:3
#pragma once

#include "kernels/elementwise/apply.h"
#include "kernels/winograd/points.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

using simd::Vec;

// An axis of a tile that F(kOutputs, R) transforms: T pixels to T points, and points to M pixels.
template <int kOutputs, int R, bool kThin>
struct Line {
  static constexpr int kAllPoints = kOutputs + R - 1;
  static constexpr int T = kThin ? kAllPoints - 2 : kAllPoints, M = T - R + 1, P = T / 2 - 1, kTaps = R;
  static constexpr WinogradPoints<kAllPoints> kAll = winograd_points<kAllPoints>();
  static constexpr WinogradPoints<T> kPoints = first_points<T>(kAll);
  static constexpr double kLastTap = kAll.last_tap(R);

  // Where a point's value is among all of them.
  static constexpr int place(int point) { return point < T - 1 ? point : kAllPoints - 1; }

  // c[0] x[0] + c[1] x[2] + ...; `count` coefficients, the last of which is 1.
  static inline Vec even_sum(const double* c, int count, const Vec* x) {
    Vec sum = x[2 * (count - 1)];
#pragma GCC unroll 4
    for (int k = count - 2; k >= 0; --k) sum = simd::fma(simd::broadcast(static_cast<float>(c[k])), x[2 * k], sum);
    return sum;
  }

  // In the order 0, +p1, -p1, +p2, -p2 ..., infinity.
  [[gnu::always_inline]] static inline void to_points(const Vec (&x)[T], Vec (&y)[T]) {
    y[0] = even_sum(kPoints.all, P + 1, x);
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i) {
      const double p = kPoints.p[i];
      const Vec even = even_sum(kPoints.rest[i], P, x + 2);
      const Vec odd = simd::mul(simd::broadcast(static_cast<float>(p)), even_sum(kPoints.rest[i], P, x + 1));
      y[1 + 2 * i] = simd::add(even, odd);
      y[2 + 2 * i] = simd::sub(even, odd);
    }
    y[T - 1] = even_sum(kPoints.all, P + 1, x + 1);
  }

  // Pixel i = sum over points of point^i * value / norm(point); infinity adds to the last.
  [[gnu::always_inline]] static inline void to_pixels(const Vec (&x)[T], Vec (&y)[M]) {
    Vec sum[P], difference[P];
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i) {
      sum[i] = simd::add(x[1 + 2 * i], x[2 + 2 * i]);
      difference[i] = simd::sub(x[1 + 2 * i], x[2 + 2 * i]);
    }
    const auto divided = [](Vec value, double norm) {
      return norm == 1 ? value : simd::mul(simd::broadcast(static_cast<float>(1 / norm)), value);
    };
    double power[P];
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i) power[i] = 1 / kPoints.norm[i];
#pragma GCC unroll 8
    for (int row = 0; row < M; ++row) {
      Vec value = row == 0 ? divided(x[0], kPoints.all[0]) : row == M - 1 ? divided(x[T - 1], kLastTap) : simd::zero();
#pragma GCC unroll 4
      for (int i = 0; i < P; ++i) {
        const Vec part = row % 2 ? difference[i] : sum[i];
        value = simd::fma(simd::broadcast(static_cast<float>(power[i])), part, value);
        power[i] *= kPoints.p[i];
      }
      y[row] = value;
    }
  }
};

// The other axis where only one is transformed.
struct SinglePixel {
  static constexpr int M = 1, T = 1;
  static constexpr int place(int point) { return point; }
  static inline void to_points(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
  static inline void to_pixels(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
};

template <int Axes, int M, int R, bool kThin>
struct RowAxis : Line<M, R, kThin> {};
template <int M, int R, bool kThin>
struct RowAxis<1, M, R, kThin> : SinglePixel {};

template <class Rows, class Columns>
struct TileTransform {
  static constexpr int W = Vec::kWidth;

  static constexpr int place(int i, int j) { return Rows::place(i) * Columns::kAllPoints + Columns::place(j); }

  template <bool kBorder, bool kTail>
  static inline void input_vector(const WinogradInputArgs& a, int64_t channel) {
    Vec half[Rows::T][Columns::T];  // [point row][pixel column]
    const float* src = a.src + channel;
#pragma GCC unroll 8
    for (int j = 0; j < Columns::T; ++j) {
      Vec x[Rows::T], y[Rows::T];
#pragma GCC unroll 8
      for (int i = 0; i < Rows::T; ++i) {
        const bool outside = kBorder && (i < a.row_begin || i >= a.row_end || j < a.column_begin || j >= a.column_end);
        const float* p = src + i * a.row_stride + j * a.pixel_stride;
        x[i] = outside ? simd::zero() : kTail ? simd::load_n(p, a.channels - channel) : simd::load(p);
        if (j >= Columns::kTaps - 1) __builtin_prefetch(p + Columns::M * a.pixel_stride);  // the next tile's columns
      }
      Rows::to_points(x, y);
#pragma GCC unroll 8
      for (int i = 0; i < Rows::T; ++i) half[i][j] = y[i];
    }
    float* dst = a.dst + channel;
#pragma GCC unroll 8
    for (int i = 0; i < Rows::T; ++i) {
      Vec y[Columns::T];
      Columns::to_points(half[i], y);
#pragma GCC unroll 8
      for (int j = 0; j < Columns::T; ++j) simd::store(dst + place(i, j) * a.point_stride, y[j]);
    }
  }

  template <bool kBorder>
  static void input_tile(const WinogradInputArgs& a) {
    int64_t channel = 0;
    for (; channel + W <= a.channels; channel += W) input_vector<kBorder, false>(a, channel);
    if (channel < a.channels) input_vector<kBorder, true>(a, channel);
  }

  static void input(const WinogradInputArgs& a) {
    if (a.row_begin == 0 && a.row_end == Rows::T && a.column_begin == 0 && a.column_end == Columns::T) {
      input_tile<false>(a);
    } else {
      input_tile<true>(a);
    }
  }

  // False where finiteness is asked for and a pixel lacks it. What is stored then is of no use; with kHold nothing is
  // stored, since the pixels' residual may lie where they go.
  template <bool kTail, bool kHold>
  static inline bool output_vector(const WinogradOutputArgs& a, int64_t channel) {
    Vec half[Rows::M][Columns::T];  // [pixel row][point column]
    const float* src = a.src + channel;
#pragma GCC unroll 8
    for (int j = 0; j < Columns::T; ++j) {
      Vec x[Rows::T], y[Rows::M];
#pragma GCC unroll 8
      for (int i = 0; i < Rows::T; ++i) x[i] = simd::load(src + place(i, j) * a.point_stride);
      Rows::to_pixels(x, y);
#pragma GCC unroll 8
      for (int i = 0; i < Rows::M; ++i) half[i][j] = y[i];
    }
    const Epilogue& e = a.epilogue;
    const int64_t n = a.channels - channel;
    auto load = [&](const float* p) { return kTail ? simd::load_n(p, n) : simd::load(p); };
    const Vec bias = e.bias ? load(e.bias + channel) : simd::zero();
    const bool clamps = e.call.function == Function::clamp;
    const Vec low = simd::broadcast(e.call.a), high = simd::broadcast(e.call.b);
    const auto store_row = [&](int i, const Vec(&pixels)[Columns::M]) __attribute__((always_inline)) {
      float* dst = a.dst + i * a.row_stride + channel;
#pragma GCC unroll 8
      for (int j = 0; j < Columns::M; ++j, dst += a.pixel_stride) {
        if (j >= a.columns) break;
        Vec v = simd::add(pixels[j], bias);
        if (!e.stream) __builtin_prefetch(dst + Columns::M * a.pixel_stride, 1);
        if (kHold) v = simd::add(v, load(e.residual + i * a.residual_row + j * e.residual_stride + channel));
        if (clamps) v = simd::min(high, simd::max(low, v));
        if (kTail) {
          simd::store_n(dst, v, n);
        } else if (e.stream) {
          simd::stream(dst, v);
        } else {
          simd::store(dst, v);
        }
      }
    };
    [[maybe_unused]] Vec held[kHold ? Rows::M : 1][Columns::M];
    Vec check[Columns::M];  // 0 * Inf and 0 * NaN are NaN
#pragma GCC unroll 8
    for (int j = 0; j < Columns::M; ++j) check[j] = simd::zero();
#pragma GCC unroll 8
    for (int i = 0; i < Rows::M; ++i) {
      if (!kHold && i >= a.rows) break;
      Vec(&pixels)[Columns::M] = held[kHold ? i : 0];
      Columns::to_pixels(half[i], pixels);
#pragma GCC unroll 8
      for (int j = 0; j < Columns::M; ++j) check[j] = simd::fma(pixels[j], simd::zero(), check[j]);
      if (!kHold) store_row(i, pixels);
    }
#pragma GCC unroll 8
    for (int j = 1; j < Columns::M; ++j) check[0] = simd::add(check[0], check[j]);
    if (a.only_finite && simd::any_nan(check[0])) return false;
    if constexpr (kHold) {
#pragma GCC unroll 8
      for (int i = 0; i < Rows::M; ++i) {
        if (i >= a.rows) break;
        store_row(i, held[i]);
      }
    }
    return true;
  }

  template <bool kHold>
  static int64_t output_channels(const WinogradOutputArgs& a) {
    int64_t done = 0;
    while (done + W <= a.channels && output_vector<false, kHold>(a, done)) done += W;
    if (done + W > a.channels && done < a.channels && output_vector<true, kHold>(a, done)) done = a.channels;
    return done;
  }

  static int64_t output(const WinogradOutputArgs& a) {
    const int64_t done = a.epilogue.residual ? output_channels<true>(a) : output_channels<false>(a);
    const FunctionCall call = a.epilogue.call;
    if (at_most_clamps(call)) return done;
    for (int i = 0; i < a.rows; ++i) {
      for (int j = 0; j < a.columns; ++j) {
        float* p = a.dst + i * a.row_stride + j * a.pixel_stride;
        simd::apply_row(call, p, p, done);
      }
    }
    return done;
  }
};

// F(M, R) along one axis or two, on whole and thin tiles.
template <int M, int R, int Axes>
struct Winograd {
  template <bool kThinRows, bool kThinColumns>
  using Tile = TileTransform<RowAxis<Axes, M, R, kThinRows>, Line<M, R, kThinColumns>>;

  // Calls `transform` with the tile's type.
  template <class Args, class Transform>
  static inline auto dispatch(const Args& a, Transform&& transform) {
    if constexpr (M > 3 && Axes == 2) {
      if (a.thin_rows) return a.thin_columns ? transform(Tile<true, true>()) : transform(Tile<true, false>());
    }
    if constexpr (M > 3) {
      if (a.thin_columns) return transform(Tile<false, true>());
    }
    return transform(Tile<false, false>());
  }

  static void input(const WinogradInputArgs& a) {
    dispatch(a, [&](auto tile) { tile.input(a); });
  }
  static int64_t output(const WinogradOutputArgs& a) {
    return dispatch(a, [&](auto tile) { return tile.output(a); });
  }
};

}  // namespace
}  // namespace fastconv

// The family's functions for one instruction set: those of kernels.inc.
#define FASTCONV_WINOGRAD_TRANSFORM(m, r, axes, isa)                                         \
  void winograd_input_f32_##m##x##r##_##axes##d__##isa(const WinogradInputArgs& args) {      \
    Winograd<m, r, axes>::input(args);                                                       \
  }                                                                                          \
  int64_t winograd_output_f32_##m##x##r##_##axes##d__##isa(const WinogradOutputArgs& args) { \
    return Winograd<m, r, axes>::output(args);                                               \
  }
#define FASTCONV_WINOGRAD_TRANSFORMS(isa)   \
  FASTCONV_WINOGRAD_TRANSFORM(2, 3, 2, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(4, 3, 2, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(6, 3, 2, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(2, 5, 2, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(2, 3, 1, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(4, 3, 1, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(6, 3, 1, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(2, 5, 1, isa) \
  FASTCONV_WINOGRAD_TRANSFORM(3, 4, 1, isa)
