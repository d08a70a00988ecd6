#include "graph/ops/move.h"

namespace fastconv::graph {

std::vector<int64_t> strides_of(const Value& value) {
  const int rank = static_cast<int>(value.shape.size());
  std::vector<int64_t> strides(rank);
  int64_t next = 1;
  const bool channels_last = value.format == Format::channels_last && rank >= 3;
  if (channels_last) {
    strides[1] = 1;
    next = value.placement.pixel_stride ? value.placement.pixel_stride : value.shape[1];
  }
  for (int a = rank - 1; a >= 0; --a) {
    if (channels_last && a == 1) continue;
    strides[a] = next;
    next *= value.shape[a];
  }
  return strides;
}

StridedCopy copy_of(const Value& value) {
  StridedCopy copy;
  copy.element_size = size_of(value.dtype);
  return copy;
}

std::unique_ptr<Step> single_move(const StridedCopy& copy, int64_t src_offset) {
  auto step = std::make_unique<MoveStep>();
  step->add(copy, 0, src_offset, 0, 0);
  return step;
}

void MoveStep::add(const StridedCopy& copy, int input, int64_t src_offset, int output, int64_t dst_offset) {
  moves_.push_back({CopyPlan(copy), input, output, src_offset * copy.element_size, dst_offset * copy.element_size});
}

void MoveStep::run(const StepBuffers& buffers) const noexcept {
  for (const Move& move : moves_) {
    const void* input = move.input == kFill ? fill_ : buffers.inputs[move.input];
    move.plan.run(static_cast<const char*>(input) + move.src_bytes,
                  static_cast<char*>(buffers.outputs[move.output]) + move.dst_bytes);
  }
}

std::string MoveStep::describe() const {
  return moves_.empty() ? "" : moves_[0].plan.kernel_name();
}

}  // namespace fastconv::graph
