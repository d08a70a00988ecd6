// The copy family: strided n-d copies of elements of 1, 2, 4 or 8 bytes. Layout conversion, transpose, slice, concat,
// pad, expand and tile are all one StridedCopy or a few. Start reading at StridedCopy; the kernels are in kernels.inc.
#pragma once

#include <cstdint>

#include "base/cpu.h"
#include "kernels/table.h"

namespace fastconv {

// What is copied: dst[sum i_d dst_stride_d] = src[sum i_d src_stride_d] for every index i below `extent`.
// Strides are in elements and may be negative; a source stride of 0 repeats. No two indices may share a destination,
// and source and destination must not overlap.
struct StridedCopy {
  static constexpr int kMaxRank = 16;
  int64_t element_size = 4;
  int rank = 0;
  int64_t extent[kMaxRank] = {};
  int64_t src_stride[kMaxRank] = {};
  int64_t dst_stride[kMaxRank] = {};

  // Appends a dimension; ValueError where there would be more than kMaxRank. The order of dimensions means nothing.
  StridedCopy& add(int64_t count, int64_t src_step, int64_t dst_step);
};

// (n, c, pixels) -> (n, pixels, c) and back, both dense.
StridedCopy to_channels_last(int64_t n, int64_t c, int64_t pixels, int64_t element_size = 4);
StridedCopy to_channels_first(int64_t n, int64_t c, int64_t pixels, int64_t element_size = 4);

// The kernels' contract: a rows x cols panel, strides in elements.
//   copy_runs      src_col = dst_col = 1
//   transpose_x4   src_col = dst_row = 1, 4-byte elements
//   copy_x<size>   any strides, elements of `size` bytes
struct CopyPanel {
  const char* src;
  char* dst;
  int64_t rows, cols;
  int64_t src_row, src_col;
  int64_t dst_row, dst_col;
  int64_t element_size;
};
using CopyFn = void(const CopyPanel&) noexcept;

#define FASTCONV_COPY(kind, size, name, isa) CopyFn name;
#include "kernels/copy/kernels.inc"
#undef FASTCONV_COPY

// A StridedCopy made ready: dimensions merged, the kernel chosen, the work cut into panels. A POD: no allocation.
class CopyPlan {
 public:
  CopyPlan() = default;
  explicit CopyPlan(const StridedCopy& copy, Isa isa = active_isa());

  // Uses num_threads() threads.
  void run(const void* src, void* dst) const noexcept;
  const char* kernel_name() const { return kernel_ ? kernel_->name : "none"; }
  int64_t bytes() const { return bytes_; }  // written by a run

 private:
  const Kernel<CopyFn>* kernel_ = nullptr;  // null: nothing to copy
  CopyPanel whole_{};                       // the two inner dimensions, pointers unset
  int64_t panel_rows_ = 1, panel_cols_ = 1;
  int64_t row_panels_ = 1, col_panels_ = 1;
  int64_t outer_count_ = 1;
  StridedCopy outer_;
  int64_t bytes_ = 0;
};

// Plan and run in one call, for copies that are made once.
inline void copy_strided(const StridedCopy& copy, const void* src, void* dst) {
  CopyPlan(copy).run(src, dst);
}

}  // namespace fastconv
