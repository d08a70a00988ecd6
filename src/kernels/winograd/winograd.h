// Winograd transforms: pixels to transform points and back, one tile a call, vectorised over channels. Of two axes,
// F(m x m, r x r), or of one, F(m, r), where the other axis of the tile is a single pixel. The products between them
// are tap-GEMM's; conv/winograd.cc joins the three.
//
// Weights come to the products as their polynomial's values at the points (points.h); the transform of outputs divides
// by what that leaves. Where m > 3, a tile may be thin along an axis: it has m - 2 pixels there, and lacks the points
// of the last pair. It multiplies the same weights as the others at those that it has.
#pragma once

#include <cstdint>

#include "kernels/epilogue.h"
#include "kernels/table.h"

namespace fastconv {

// T x T (or 1 x T) pixels, T = m + r - 1 -> as many points: dst[point * point_stride + c] for every channel. Pixels
// outside rows [row_begin, row_end) x columns [column_begin, column_end) of the tile are padding: zero, and not read.
struct WinogradInputArgs {
  const float* src;  // the tile's first pixel (which may lie in the padding)
  int64_t row_stride, pixel_stride;
  int row_begin, row_end, column_begin, column_end;
  int64_t channels;
  float* dst;  // room for channels rounded up to whole vectors
  int64_t point_stride;
  bool thin_rows, thin_columns;
};

// The points -> m x m (or 1 x m) pixels, of which `rows` x `columns` exist, through the epilogue. Returns how many
// channels are done: all, unless it stopped.
struct WinogradOutputArgs {
  const float* src;
  int64_t point_stride;
  int64_t channels;
  float* dst;
  int64_t row_stride, pixel_stride;
  int64_t residual_row;  // elements between rows of the epilogue's residual, whose rows of values are pixels here
  int rows, columns;
  bool thin_rows, thin_columns;
  // Stop at the first vector of channels with a pixel that is not finite. It is not done, but may be stored, unless
  // there is a residual, which may lie there.
  bool only_finite;
  Epilogue epilogue;
};

// The products of a few tiles, F(4 x 4, 3 x 3), by filters that it transforms itself: for every point, tile and column,
// dst = sum over channels of src * filter at the point. Whole filters are read, nine values for 36, once.
struct WinogradFewArgs {
  const float* src;      // [channels / kFewChannels][point][tile][kFewChannels], zeros behind the last channel
  const float* filters;  // [channel][tap][columns], tap (i, j) times p_1^(i + j)
  int64_t channels;
  int tiles;   // 1 to the kernel's
  float* dst;  // [point][tile][columns]
};
inline constexpr int kFewChannels = 16;

using WinogradInputFn = void(const WinogradInputArgs&);
using WinogradOutputFn = int64_t(const WinogradOutputArgs&);
using WinogradFewFn = void(const WinogradFewArgs&);

// Whether a thin tile has this one of T points: 0, +p_1, -p_1, +p_2, -p_2 ..., infinity.
constexpr bool thin_has(int point, int t) {
  return point < t - 3 || point == t - 1;
}

// A row is a pair of transforms that belong together.
struct WinogradKernel : Kernel<WinogradInputFn> {
  WinogradOutputFn* output;
  int m, r, axes;
  WinogradKernel(const char* name, Isa isa, WinogradInputFn* input, WinogradOutputFn* output, int m, int r, int axes)
      : Kernel(name, "winograd", isa, input), output(output), m(m), r(r), axes(axes) {}
};

struct WinogradFewKernel : Kernel<WinogradFewFn> {
  int tiles;    // at most
  int columns;  // always
  WinogradFewKernel(const char* name, Isa isa, WinogradFewFn* fn, int tiles, int columns)
      : Kernel(name, "winograd", isa, fn), tiles(tiles), columns(columns) {}
};

// Null where none is listed: with few registers, filters would be transformed again for every two tiles.
const WinogradFewKernel* choose_winograd_few(Isa isa);

// Null where no F(m, r) of so many axes is listed.
const WinogradKernel* choose_winograd(int m, int r, int axes, Isa isa);

}  // namespace fastconv
