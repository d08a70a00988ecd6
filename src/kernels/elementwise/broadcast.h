// NumPy's broadcasting as loops: up to three operands seen through the shape of an output, with as few dimensions as
// that needs. Equal shapes become one row; a bias per channel becomes rows x columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/checks.h"
#include "base/threads.h"

namespace fastconv {

// A rows x cols piece of the loops: where it starts in the output and in each operand, and how far the next row and
// column are. Column steps are 0 or 1 (the output's is 1).
struct BroadcastPanel {
  int64_t rows, cols;
  int64_t out, out_row;
  int64_t at[3], row[3], col[3];
};

class Broadcast {
 public:
  static constexpr int kMaxOperands = 3;
  using Shape = std::vector<int64_t>;

  // Each operand's shape has the output's rank, and in every axis the output's extent or 1. pixels: elements from one
  // run of the last axis to the next, of the output, then of the operands; 0 or absent: dense.
  Broadcast(const Shape& out, const std::vector<Shape>& operands, const std::vector<int64_t>& pixels = {});

  // Calls body(panel) for panels that cover the output, on num_threads() threads.
  template <class Body>
  void for_each_panel(const Body& body) const noexcept;

 private:
  static constexpr int kOutput = kMaxOperands;  // its place after the operands'
  struct Dim {
    int64_t extent = 1;
    int64_t step[kMaxOperands + 1] = {};
  };
  static constexpr int64_t kPanelElements = 16 << 10;  // about what is worth waking a thread for

  BroadcastPanel panel(int64_t index) const;

  std::vector<Dim> outer_;  // outermost first
  Dim rows_, cols_;
  int64_t panel_rows_, panel_cols_;
  int64_t row_panels_, col_panels_, panels_;
};

template <class Body>
void Broadcast::for_each_panel(const Body& body) const noexcept {
  parallel_for(panels_, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(panel(i));
  });
}

}  // namespace fastconv
