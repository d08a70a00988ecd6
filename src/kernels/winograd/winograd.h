// Winograd transforms of 3x3 convolutions, F(m x m, 3 x 3) for m = 2, 4, 6: pixels to transform points and back, one
// tile a call, vectorised over channels. The products between them are tap-GEMM's; conv/winograd.cc joins the three.
#pragma once

#include <cstdint>

#include "kernels/epilogue.h"
#include "kernels/table.h"

namespace fastconv {

// (m+2)^2 pixels -> (m+2)^2 points: dst[point * point_stride + c] for every channel. Pixels outside rows
// [row_begin, row_end) x columns [column_begin, column_end) of the tile are padding: zero, and not read.
struct WinogradInputArgs {
  const float* src;  // the tile's first pixel (which may lie in the padding)
  int64_t row_stride, pixel_stride;
  int row_begin, row_end, column_begin, column_end;
  int64_t channels;
  float* dst;  // room for channels rounded up to whole vectors
  int64_t point_stride;
};

// (m+2)^2 points -> m x m pixels, of which `rows` x `columns` exist, through the epilogue. Returns how many channels it
// has stored: all, unless it stopped.
struct WinogradOutputArgs {
  const float* src;
  int64_t point_stride;
  int64_t channels;
  float* dst;
  int64_t row_stride, pixel_stride;
  int64_t residual_row;  // elements between rows of the epilogue's residual, whose rows of values are pixels here
  int rows, columns;
  bool only_finite;  // stop before the first vector of channels with a pixel that is not finite
  Epilogue epilogue;
};

using WinogradInputFn = void(const WinogradInputArgs&);
using WinogradOutputFn = int64_t(const WinogradOutputArgs&);

// A row is a pair of transforms that belong together.
struct WinogradKernel : Kernel<WinogradInputFn> {
  WinogradOutputFn* output;
  int m;
  WinogradKernel(const char* name, Isa isa, WinogradInputFn* input, WinogradOutputFn* output, int m)
      : Kernel(name, "winograd", isa, input), output(output), m(m) {}
};

const WinogradKernel& choose_winograd(int m, Isa isa);

}  // namespace fastconv
