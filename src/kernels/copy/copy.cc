// The copy family's table, and how a StridedCopy becomes panels for one kernel.
#include "kernels/copy/copy.h"

#include <algorithm>
#include <utility>

#include "base/checks.h"
#include "base/threads.h"

namespace fastconv {
namespace {

enum class CopyKind { runs, elements, transpose };

struct CopyKernel : Kernel<CopyFn> {
  CopyKind kind;
  int64_t element_size;  // 0: any
};

const CopyKernel kRows[] = {
#define FASTCONV_COPY(kind, size, name, isa) {{#name, "copy", Isa::isa, name}, CopyKind::kind, size},
#include "kernels/copy/kernels.inc"
#undef FASTCONV_COPY
};
const RegisterKernels registered(kRows);

// The best row of a kind for this size and instruction set; null where there is none.
const Kernel<CopyFn>* find(CopyKind kind, int64_t size, Isa isa) {
  const CopyKernel* best = nullptr;
  for (const CopyKernel& row : kRows) {
    if (row.kind != kind || (row.element_size != size && row.element_size != 0) || row.isa > isa) continue;
    if (!best || row.isa > best->isa) best = &row;
  }
  return best;
}

int64_t magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

// Takes dimension d out.
void erase(StridedCopy& c, int d) {
  for (int i = d; i + 1 < c.rank; ++i) {
    c.extent[i] = c.extent[i + 1];
    c.src_stride[i] = c.src_stride[i + 1];
    c.dst_stride[i] = c.dst_stride[i + 1];
  }
  --c.rank;
}

// The same copy with as few dimensions as it needs, the destination's order outermost first.
StridedCopy merged(StridedCopy c) {
  for (int d = c.rank - 1; d >= 0; --d) {
    if (c.extent[d] == 1) erase(c, d);
  }
  for (int i = 1; i < c.rank; ++i) {
    for (int d = i; d > 0 && magnitude(c.dst_stride[d]) > magnitude(c.dst_stride[d - 1]); --d) {
      std::swap(c.extent[d], c.extent[d - 1]);
      std::swap(c.src_stride[d], c.src_stride[d - 1]);
      std::swap(c.dst_stride[d], c.dst_stride[d - 1]);
    }
  }
  for (int d = c.rank - 2; d >= 0; --d) {
    if (c.src_stride[d] == c.src_stride[d + 1] * c.extent[d + 1] &&
        c.dst_stride[d] == c.dst_stride[d + 1] * c.extent[d + 1]) {
      c.extent[d + 1] *= c.extent[d];
      erase(c, d);
    }
  }
  return c;
}

// A contiguous run of 2, 4 or 8 bytes is one larger element: pairs of floats transpose as doubles do.
void widen(StridedCopy& c) {
  const int last = c.rank - 1;
  if (c.rank < 2 || c.src_stride[last] != 1 || c.dst_stride[last] != 1) return;
  const int64_t run = c.extent[last], bytes = run * c.element_size;
  if (bytes != 2 && bytes != 4 && bytes != 8) return;
  for (int d = 0; d < last; ++d) {
    if (c.src_stride[d] % run != 0 || c.dst_stride[d] % run != 0) return;
  }
  for (int d = 0; d < last; ++d) {
    c.src_stride[d] /= run;
    c.dst_stride[d] /= run;
  }
  c.element_size = bytes;
  --c.rank;
}

// The dimension with a source stride of 1 among all but the last, or -1.
int contiguous_source(const StridedCopy& c) {
  for (int d = 0; d + 1 < c.rank; ++d) {
    if (c.src_stride[d] == 1) return d;
  }
  return -1;
}

// Where the outer dimensions stand: an odometer, because a division for each dimension and panel would be slower than
// many a panel.
struct Offsets {
  int64_t src = 0, dst = 0;
  int64_t digit[StridedCopy::kMaxRank];

  Offsets(const StridedCopy& c, int64_t index) {
    for (int d = c.rank - 1; d >= 0; --d) {
      digit[d] = index % c.extent[d];
      index /= c.extent[d];
      src += digit[d] * c.src_stride[d];
      dst += digit[d] * c.dst_stride[d];
    }
  }
  void next(const StridedCopy& c) {
    for (int d = c.rank - 1; d >= 0; --d) {
      src += c.src_stride[d];
      dst += c.dst_stride[d];
      if (++digit[d] < c.extent[d]) return;
      src -= c.extent[d] * c.src_stride[d];
      dst -= c.extent[d] * c.dst_stride[d];
      digit[d] = 0;
    }
  }
};

}  // namespace

StridedCopy& StridedCopy::add(int64_t count, int64_t src_step, int64_t dst_step) {
  if (rank == kMaxRank) value_error("copy: rank must be <= ", kMaxRank, ", got ", rank + 1);
  extent[rank] = count;
  src_stride[rank] = src_step;
  dst_stride[rank] = dst_step;
  ++rank;
  return *this;
}

StridedCopy to_channels_last(int64_t n, int64_t c, int64_t pixels, int64_t element_size) {
  StridedCopy copy;
  copy.element_size = element_size;
  return copy.add(n, c * pixels, c * pixels).add(c, pixels, 1).add(pixels, 1, c);
}

StridedCopy to_channels_first(int64_t n, int64_t c, int64_t pixels, int64_t element_size) {
  return to_channels_last(n, pixels, c, element_size);
}

CopyPlan::CopyPlan(const StridedCopy& copy, Isa isa) {
  int64_t count = 1;
  for (int d = 0; d < copy.rank; ++d) count = checked_mul(count, copy.extent[d]);
  bytes_ = checked_mul(count, copy.element_size);
  if (count == 0) return;

  outer_ = merged(copy);
  widen(outer_);
  const Kernel<CopyFn>* elements = find(CopyKind::elements, outer_.element_size, isa);
  if (!elements) value_error("copy: element size must be 1, 2, 4 or 8 bytes, got ", outer_.element_size);
  const int64_t panel_elements = (int64_t{32} << 10) / outer_.element_size;  // about the first cache
  // Take out the two dimensions of a panel. Those left are the outer ones.
  auto take = [this](int d, int64_t& extent, int64_t& src_stride, int64_t& dst_stride) {
    extent = 1;
    if (d < 0 || d >= outer_.rank) return;
    extent = outer_.extent[d];
    src_stride = outer_.src_stride[d];
    dst_stride = outer_.dst_stride[d];
    erase(outer_, d);
  };
  const int last = outer_.rank - 1;
  CopyPanel& p = whole_;
  p.element_size = outer_.element_size;
  if (outer_.rank > 0 && outer_.src_stride[last] == 1 && outer_.dst_stride[last] == 1) {
    kernel_ = find(CopyKind::runs, outer_.element_size, isa);
    take(last, p.cols, p.src_col, p.dst_col);
    take(last - 1, p.rows, p.src_row, p.dst_row);
    panel_cols_ = std::min(p.cols, panel_elements);
  } else if (const int d = contiguous_source(outer_); d >= 0 && outer_.dst_stride[last] == 1) {
    kernel_ = find(CopyKind::transpose, outer_.element_size, isa);
    if (!kernel_) kernel_ = elements;
    take(last, p.rows, p.src_row, p.dst_row);
    take(d, p.cols, p.src_col, p.dst_col);
    // Square panels, so that the lines of both sides stay in the first cache; long ones where a side is short.
    const int64_t side = 64;
    panel_cols_ = std::min(p.cols, std::max(side, side * side / p.rows));
  } else {
    kernel_ = elements;
    take(last, p.cols, p.src_col, p.dst_col);
    take(last - 1, p.rows, p.src_row, p.dst_row);
    if (p.rows > p.cols) {  // the longer loop inside
      std::swap(p.rows, p.cols);
      std::swap(p.src_row, p.src_col);
      std::swap(p.dst_row, p.dst_col);
    }
    panel_cols_ = std::min(p.cols, panel_elements);
  }
  panel_rows_ = std::min(p.rows, std::max<int64_t>(1, panel_elements / panel_cols_));
  row_panels_ = ceil_div(p.rows, panel_rows_);
  col_panels_ = ceil_div(p.cols, panel_cols_);
  for (int d = 0; d < outer_.rank; ++d) outer_count_ *= outer_.extent[d];
}

void CopyPlan::run(const void* src, void* dst) const noexcept {
  if (!kernel_) return;
  kernel_->count_run();
  const int64_t size = whole_.element_size;
  const int64_t panels = row_panels_ * col_panels_;
  const int64_t grain = std::max<int64_t>(1, (int64_t{64} << 10) / (panel_rows_ * panel_cols_ * size));
  parallel_for(outer_count_ * panels, grain, [&](int64_t begin, int64_t end) {
    Offsets at(outer_, begin / panels);
    int64_t panel = begin % panels;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = panel / col_panels_ * panel_rows_, col = panel % col_panels_ * panel_cols_;
      CopyPanel p = whole_;
      p.src = static_cast<const char*>(src) + (at.src + row * p.src_row + col * p.src_col) * size;
      p.dst = static_cast<char*>(dst) + (at.dst + row * p.dst_row + col * p.dst_col) * size;
      p.rows = std::min(panel_rows_, whole_.rows - row);
      p.cols = std::min(panel_cols_, whole_.cols - col);
      kernel_->fn(p);
      if (++panel == panels) {
        panel = 0;
        at.next(outer_);
      }
    }
  });
}

}  // namespace fastconv
