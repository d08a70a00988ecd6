#include "conv/winograd_filters.h"

#include <algorithm>

#include "base/checks.h"
#include "base/threads.h"
#include "conv/winograd_tiles.h"
#include "kernels/winograd/points.h"

namespace fastconv {
namespace {

// Filters are transformed side by side, so that the compiler vectorises over them.
constexpr int kMostColumns = 16;

// G, of T points by R taps.
template <int M, int R>
struct FilterMatrix {
  static constexpr int T = M + R - 1;
  double row[T][R] = {};

  FilterMatrix() {
    constexpr WinogradPoints<T> points = winograd_points<T>();
    row[0][0] = 1;
    for (int i = 0; i < points.kPairs; ++i) {
      for (int sign = 0; sign < 2; ++sign) {
        double power = 1;
        for (int k = 0; k < R; ++k, power *= sign ? -points.p[i] : points.p[i]) row[1 + 2 * i + sign][k] = power;
      }
    }
    row[T - 1][R - 1] = points.last_tap(R);
  }
};

// Up to kMostColumns filters to points, in float64: U = G g G^T, or G g along one axis. `filters`: the first one's
// first value, `step` from which is its next, and `filter_stride` the next one's first; `taps` of R along a line,
// behind which there are zeros; u[point][j]: the j-th one's points, `u_stride` apart.
template <int M, int R>
void transform_square(const float* filters, int64_t step, int64_t filter_stride, int64_t, int64_t count, float* u,
                      int64_t u_stride) {
  static const FilterMatrix<M, R> matrix;
  double g[R][R][kMostColumns] = {}, half[R][kMostColumns];
  for (int64_t j = 0; j < count; ++j) {
    for (int i = 0; i < R * R; ++i) g[i / R][i % R][j] = static_cast<double>(filters[j * filter_stride + i * step]);
  }
  for (int i = 0; i < matrix.T; ++i) {
    for (int s = 0; s < R; ++s) {
      for (int j = 0; j < kMostColumns; ++j) {
        double sum = 0;
        for (int r = 0; r < R; ++r) sum += matrix.row[i][r] * g[r][s][j];
        half[s][j] = sum;
      }
    }
    for (int k = 0; k < matrix.T; ++k) {
      double sum[kMostColumns] = {};
      for (int s = 0; s < R; ++s) {
        for (int j = 0; j < kMostColumns; ++j) sum[j] += half[s][j] * matrix.row[k][s];
      }
      float* out = u + (i * matrix.T + k) * u_stride;
      for (int64_t j = 0; j < count; ++j) out[j] = static_cast<float>(sum[j]);
    }
  }
}

template <int M, int R>
void transform_line(const float* filters, int64_t step, int64_t filter_stride, int64_t taps, int64_t count, float* u,
                    int64_t u_stride) {
  static const FilterMatrix<M, R> matrix;
  for (int i = 0; i < matrix.T; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      double sum = 0;
      for (int r = 0; r < taps; ++r) {
        sum += matrix.row[i][r] * static_cast<double>(filters[j * filter_stride + r * step]);
      }
      u[i * u_stride + j] = static_cast<float>(sum);
    }
  }
}

using Transform = void(const float*, int64_t, int64_t, int64_t, int64_t, float*, int64_t);

Transform* choose_transform(int m, int64_t r, int axes) {
  const bool square = axes == 2;
  if (m == kLineOutputs) return transform_line<kLineOutputs, kLineOutputs + 1>;
  if (r == 5) return square ? transform_square<2, 5> : transform_line<2, 5>;
  if (m == 2) return square ? transform_square<2, 3> : transform_line<2, 3>;
  if (m == 4) return square ? transform_square<4, 3> : transform_line<4, 3>;
  return square ? transform_square<6, 3> : transform_line<6, 3>;
}

}  // namespace

int64_t winograd_packed_size(const ConvProblem& p, int m, int64_t nr) {
  const int64_t panels = checked_mul(p.groups, ceil_div(p.group_k(), nr));
  const WinogradTiles tiles = winograd_tiles(p, m);
  return checked_mul(checked_mul(panels, winograd_layers(p, tiles).taps * tiles.points()), p.group_c() * nr);
}

void winograd_pack(const ConvProblem& p, int m, const float* weights, int64_t nr, float* packed) {
  const WinogradTiles tiles = winograd_tiles(p, m);
  const WeightLayout w = weight_layout(p);
  Transform* const transform = choose_transform(m, tiles.columns.r, tiles.axes());
  const int64_t layers = winograd_layers(p, tiles).taps, filter = p.kernel[1] * p.kernel[2], inputs = p.group_c();
  const int64_t point_size = layers * inputs * nr, panel_size = tiles.points() * point_size;
  const int64_t window = tiles.columns.windows > 1 ? tiles.columns.m : filter;  // taps from a layer to the next
  const int64_t group_panels = ceil_div(p.group_k(), nr);
  parallel_for(p.groups * group_panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      float* const u = packed + panel * panel_size;
      const int64_t column = panel % group_panels * nr, columns = std::min(nr, p.group_k() - column);
      if (columns < nr) std::fill(u, u + panel_size, 0.0f);
      const float* filters = weights + w.first + panel / group_panels * w.group + column * w.output;
      for (int64_t j = 0; j < columns; j += kMostColumns) {
        const int64_t count = std::min<int64_t>(kMostColumns, columns - j);
        for (int64_t c = 0; c < inputs; ++c) {
          for (int64_t layer = 0; layer < layers; ++layer) {
            const int64_t taps = layer + 1 < layers ? window : filter - (tiles.columns.windows - 1) * window;
            transform(filters + j * w.output + c * w.input + layer * window * w.tap, w.tap, w.output, taps, count,
                      u + (layer * inputs + c) * nr + j, point_size);
          }
        }
      }
    }
  });
}

}  // namespace fastconv
