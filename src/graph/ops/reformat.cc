// Steps the planner inserts. reformat: the same logical value in another memory format, where formats disagree.
// copy: the same bytes in another place, where an output would otherwise be an input, a constant or another output.
#include <cstring>

#include "base/threads.h"
#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

// (n, rows, columns) -> (n, columns, rows).
class ReformatStep final : public Step {
 public:
  ReformatStep(int64_t n, int64_t rows, int64_t columns, int64_t element)
      : n_(n), rows_(rows), columns_(columns), element_(element) {}

  void run(const StepBuffers& buffers) const noexcept override {
    const auto* from = static_cast<const char*>(buffers.inputs[0]);
    auto* to = static_cast<char*>(buffers.outputs[0]);
    parallel_for(n_ * columns_, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t image = i / columns_, column = i % columns_;
        for (int64_t row = 0; row < rows_; ++row) {
          std::memcpy(to + (i * rows_ + row) * element_, from + ((image * rows_ + row) * columns_ + column) * element_,
                      static_cast<size_t>(element_));
        }
      }
    });
  }
  std::string describe() const override { return "reformat"; }

 private:
  int64_t n_, rows_, columns_, element_;
};

class CopyStep final : public Step {
 public:
  explicit CopyStep(int64_t bytes) : bytes_(bytes) {}
  void run(const StepBuffers& buffers) const noexcept override {
    std::memcpy(buffers.outputs[0], buffers.inputs[0], static_cast<size_t>(bytes_));
  }
  std::string describe() const override { return "copy"; }

 private:
  int64_t bytes_;
};

void infer_same(InferContext& c) {
  c.set_output(0, c.dtype(0), c.shape(0));
}

std::unique_ptr<Step> plan_reformat(PlanContext& c) {
  const Shape& shape = c.shape(0);
  const int64_t channels = shape[1], pixels = element_count(Shape(shape.begin() + 2, shape.end()));
  const bool to_last = c.format() == Format::channels_last;
  return std::make_unique<ReformatStep>(shape[0], to_last ? channels : pixels, to_last ? pixels : channels,
                                        size_of(c.dtype(0)));
}

std::unique_ptr<Step> plan_copy(PlanContext& c) {
  return std::make_unique<CopyStep>(byte_count(c.dtype(0), c.shape(0)));
}

}  // namespace

const OpDef op_reformat{"reformat", infer_same, LayoutRule::follow, kNoFlags, plan_reformat};
const OpDef op_copy{"copy", infer_same, LayoutRule::follow, kNoFlags, plan_copy};

}  // namespace fastconv::graph
