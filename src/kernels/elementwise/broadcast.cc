// How shapes become a few loops, and where the i-th panel of them lies.
#include "kernels/elementwise/broadcast.h"

namespace fastconv {

Broadcast::Broadcast(const Shape& out, const std::vector<Shape>& operands, const std::vector<int64_t>& pixels) {
  const auto count = static_cast<int>(operands.size());
  int64_t next[kMaxOperands + 1] = {1, 1, 1, 1};  // elements from one cell of the axis to the next
  const auto extents = [&](int i) -> const Shape& { return i < count ? operands[i] : out; };
  const auto pixel = [&](int i) -> int64_t {
    const size_t place = i < count ? i + 1 : 0;
    return place < pixels.size() ? pixels[place] : 0;
  };
  const bool strided = std::any_of(pixels.begin(), pixels.end(), [](int64_t step) { return step != 0; });
  // From the innermost axis outwards, an axis joins the one inside it where every operand goes on as it did there.
  std::vector<Dim> dims;  // innermost first
  for (size_t axis = out.size(); axis-- > 0;) {
    const bool last = axis + 1 == out.size();
    if (out[axis] == 1 && !(last && strided)) continue;  // columns' steps are 0 or 1: one channel is a column too
    Dim dim;
    dim.extent = out[axis];
    for (int i = 0; i <= count; ++i) {
      const int at = i < count ? i : kOutput;
      const int64_t extent = extents(i)[axis];
      dim.step[at] = extent == 1 ? 0 : next[at];
      next[at] = last && pixel(i) ? pixel(i) : checked_mul(next[at], extent);
    }
    bool joins = !dims.empty();
    for (int i = 0; joins && i <= kOutput; ++i) joins = dim.step[i] == dims.back().step[i] * dims.back().extent;
    if (joins) {
      dims.back().extent = checked_mul(dims.back().extent, dim.extent);
    } else {
      dims.push_back(dim);
    }
  }
  if (dims.size() > 0) cols_ = dims[0];
  if (dims.size() > 1) rows_ = dims[1];
  for (size_t d = dims.size(); d-- > 2;) outer_.push_back(dims[d]);

  panel_cols_ = std::clamp<int64_t>(cols_.extent, 1, kPanelElements);
  panel_rows_ = std::clamp<int64_t>(rows_.extent, 1, std::max<int64_t>(1, kPanelElements / panel_cols_));
  col_panels_ = ceil_div(cols_.extent, panel_cols_);
  row_panels_ = ceil_div(rows_.extent, panel_rows_);
  panels_ = row_panels_ * col_panels_;
  for (const Dim& dim : outer_) panels_ = checked_mul(panels_, dim.extent);
}

BroadcastPanel Broadcast::panel(int64_t index) const {
  const int64_t col = index % col_panels_ * panel_cols_;
  index /= col_panels_;
  const int64_t row = index % row_panels_ * panel_rows_;
  int64_t outer = index / row_panels_;
  BroadcastPanel p;
  p.rows = std::min(panel_rows_, rows_.extent - row);
  p.cols = std::min(panel_cols_, cols_.extent - col);
  p.out = row * rows_.step[kOutput] + col * cols_.step[kOutput];
  p.out_row = rows_.step[kOutput];
  for (int i = 0; i < kMaxOperands; ++i) {
    p.at[i] = row * rows_.step[i] + col * cols_.step[i];
    p.row[i] = rows_.step[i];
    p.col[i] = cols_.step[i];
  }
  for (size_t d = outer_.size(); d-- > 0; outer /= outer_[d].extent) {
    const int64_t digit = outer % outer_[d].extent;
    for (int i = 0; i < kMaxOperands; ++i) p.at[i] += digit * outer_[d].step[i];
    p.out += digit * outer_[d].step[kOutput];
  }
  return p;
}

}  // namespace fastconv
