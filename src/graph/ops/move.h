// What all data movement has in common: a step made of strided copies between a node's buffers. Operators say in
// logical axes which cells go where; strides know how a value lies in memory. Used by movement.cc, pad.cc, reformat.cc.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"
#include "kernels/copy/copy.h"

namespace fastconv::graph {

// Elements from one cell to the next along each logical axis, where the value is placed.
std::vector<int64_t> strides_of(const Value& value);

// A copy of elements of the value's type, its dimensions still to be added.
StridedCopy copy_of(const Value& value);

class MoveStep final : public Step {
 public:
  static constexpr int kFill = -1;  // as an input: the fill value, for copies whose source strides are 0

  // `value`: one element of `bytes` bytes. Without it the fill is zero.
  void set_fill(const void* value, int64_t bytes) { std::memcpy(fill_, value, static_cast<size_t>(bytes)); }
  // Offsets are in elements.
  void add(const StridedCopy& copy, int input, int64_t src_offset, int output, int64_t dst_offset);
  void run(const StepBuffers& buffers) const noexcept override;
  std::string describe() const override;

 private:
  struct Move {
    CopyPlan plan;
    int input, output;
    int64_t src_bytes, dst_bytes;  // offsets
  };
  std::vector<Move> moves_;
  alignas(8) char fill_[8] = {};
};

// A step of one copy from the first input, `src_offset` elements in, to the first output.
std::unique_ptr<Step> single_move(const StridedCopy& copy, int64_t src_offset = 0);

}  // namespace fastconv::graph
