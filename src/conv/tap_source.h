// What tap-GEMM reads of a convolution's source: its pixels as they lie there; a copy of them in rows with borders,
// where taps reach beside the image; or, where they have to be converted first, such a copy, or the pixels of a block.
#pragma once

#include <vector>

#include "conv/algorithm.h"
#include "conv/taps.h"
#include "kernels/quantize/table.h"

namespace fastconv {

template <class Element>
class TapSource {
 public:
  // The options have their strides; `widths`: the taps along the width. They decide whether rows need borders.
  TapSource(const ConvProblem& problem, const ConvOptions& options, const std::vector<AxisTaps>& widths, int pieces);

  bool converts() const { return converts_; }                    // from float32 to pieces
  bool copies() const { return copies_; }                        // rows, once for each image
  bool gathers() const { return gathers_; }                      // blocks, whose pixels are read by one output each
  int64_t dense_pixel() const { return p_.groups * channels_; }  // elements
  int64_t pixel() const { return pixel_; }                       // elements from one that taps read to the next
  int64_t width() const { return width_; }                       // pixels of a row, borders included
  int64_t border() const { return border_; }                     // pixels before the first of a row
  int64_t plane() const { return plane_; }                       // elements from a piece of what is read to the next
  int64_t bytes(int64_t shares) const;                           // of copies, or of one block for each share
  void gather_at_most(int64_t pixels) { plane_ = plane_size(pixels); }

  void count_run() const {
    if (converts_) quantize_.count_run();
  }
  // The source where it is not converted, from this pixel on.
  const Element* elements(const ConvBuffers& buffers, int64_t pixel) const noexcept;
  // `count` pixels of float32, `stride` apart, side by side as the kernel reads them.
  void convert_pixels(const float* src, int64_t stride, int64_t count, Element* to) const noexcept;
  // Rows with zero pixels before and behind, in each piece's plane. `first`: the first pixel, counted in the source.
  void copy_rows(const ConvBuffers& buffers, int64_t first, Element* copy) const noexcept;

 private:
  int64_t plane_size(int64_t pixels) const;
  int64_t stride() const;
  void copy_pixels(const Element* src, int64_t count, Element* to) const noexcept;

  ConvProblem p_;
  ConvOptions options_;
  const Kernel<QuantizeBf16Fn>& quantize_;
  int pieces_;
  int64_t channels_;  // of a group, in elements
  bool converts_, gathers_ = false, copies_ = false;
  int64_t border_ = 0, width_ = 0, pixel_ = 0, plane_ = 0;
};

}  // namespace fastconv
