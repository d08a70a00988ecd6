// How shapes become a few loops, and where the i-th panel of them lies.
#include "kernels/elementwise/broadcast.h"

namespace fastconv {

Broadcast::Broadcast(const Shape& out, const std::vector<Shape>& operands) {
  const auto count = static_cast<int>(operands.size());
  int64_t dense[kMaxOperands] = {1, 1, 1};
  // From the innermost axis outwards, an axis joins the one inside it where every operand goes on as it did there.
  std::vector<Dim> dims;  // innermost first
  for (size_t axis = out.size(); axis-- > 0;) {
    if (out[axis] == 1) continue;
    Dim dim;
    dim.extent = out[axis];
    for (int i = 0; i < count; ++i) {
      dim.step[i] = operands[i][axis] == 1 ? 0 : dense[i];
      dense[i] = checked_mul(dense[i], operands[i][axis]);
    }
    bool joins = !dims.empty();
    for (int i = 0; joins && i < count; ++i) joins = dim.step[i] == dims.back().step[i] * dims.back().extent;
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
  p.out = (outer * rows_.extent + row) * cols_.extent + col;
  p.out_row = cols_.extent;
  for (int i = 0; i < kMaxOperands; ++i) {
    p.at[i] = row * rows_.step[i] + col * cols_.step[i];
    p.row[i] = rows_.step[i];
    p.col[i] = cols_.step[i];
  }
  for (size_t d = outer_.size(); d-- > 0; outer /= outer_[d].extent) {
    const int64_t digit = outer % outer_[d].extent;
    for (int i = 0; i < kMaxOperands; ++i) p.at[i] += digit * outer_[d].step[i];
  }
  return p;
}

}  // namespace fastconv
