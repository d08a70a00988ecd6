// gather and gather_elements: cells chosen by an index known when the network runs, or before.
#include <algorithm>
#include <cstring>

#include "graph/ops/ops.h"
#include "kernels/copy/gather.h"

namespace fastconv::graph {
namespace {

int64_t axis_of(const InferContext& c) {
  return c.axis(c.get_int("axis", 0), static_cast<int64_t>(c.shape(0).size()));
}

// Indices that are known are checked while planning; those that come at run time are clamped by the kernels.
void check_indices(const InferContext& c) {
  if (c.dtype(1) != DType::i64 && c.dtype(1) != DType::i32) {
    c.fail(concat("indices must be int64 or int32, got ", dtype_name(c.dtype(1))));
  }
  const int64_t extent = c.shape(0)[axis_of(c)];
  if (extent == 0 && element_count(c.shape(1)) > 0) c.fail("indices must be in the axis, got one for extent 0");
  const Constant* known = c.constant(1);
  if (!known) return;
  for (int64_t i = 0; i < element_count(known->shape); ++i) {
    const std::byte* data = known->data.data();
    const int64_t index = known->dtype == DType::i64 ? reinterpret_cast<const int64_t*>(data)[i]
                                                     : reinterpret_cast<const int32_t*>(data)[i];
    if (index < -extent || index >= extent) {
      c.fail(concat("indices must be in [", -extent, ", ", extent, "), got ", index));
    }
  }
}

void infer_gather(InferContext& c) {
  check_indices(c);
  const int64_t axis = axis_of(c);
  Shape shape(c.shape(0).begin(), c.shape(0).begin() + axis);
  shape.insert(shape.end(), c.shape(1).begin(), c.shape(1).end());
  shape.insert(shape.end(), c.shape(0).begin() + axis + 1, c.shape(0).end());
  c.set_output(0, c.dtype(0), shape);
}

template <class Work>
class GatherStep final : public Step {
 public:
  GatherStep(const Work& work, DType index, const char* name) : work_(work), index_(index), name_(name) {}
  void run(const StepBuffers& b) const noexcept override {
    if (index_ == DType::i64) {
      call(b.inputs[0], static_cast<const int64_t*>(b.inputs[1]), b.outputs[0]);
    } else {
      call(b.inputs[0], static_cast<const int32_t*>(b.inputs[1]), b.outputs[0]);
    }
  }
  std::string describe() const override { return name_; }

 private:
  template <class Index>
  void call(const void* src, const Index* index, void* dst) const noexcept {
    if constexpr (std::is_same_v<Work, Gather>) {
      gather(work_, src, index, dst);
    } else {
      gather_elements(work_, src, index, dst);
    }
  }

  Work work_;
  DType index_;
  const char* name_;
};

std::unique_ptr<Step> plan_gather(PlanContext& c) {
  const int64_t axis = axis_of(c);
  const Shape& in = c.shape(0);
  const Gather work{element_count(Shape(in.begin(), in.begin() + axis)), in[axis], element_count(c.shape(1)),
                    element_count(Shape(in.begin() + axis + 1, in.end())) * size_of(c.dtype(0))};
  return std::make_unique<GatherStep<Gather>>(work, c.dtype(1), "gather");
}

void infer_gather_elements(InferContext& c) {
  check_indices(c);
  const int64_t axis = axis_of(c);
  const Shape &in = c.shape(0), &shape = c.shape(1);
  if (shape.size() != in.size()) c.fail(concat("indices must have rank ", in.size(), ", got ", shape.size()));
  if (shape.size() > GatherElements::kMaxRank) {
    c.fail(concat("rank must be <= ", GatherElements::kMaxRank, ", got ", shape.size()));
  }
  for (size_t a = 0; a < in.size(); ++a) {
    if (static_cast<int64_t>(a) != axis && shape[a] > in[a]) {
      c.fail(concat("indices must not exceed the input on axis ", a, ", got ", shape[a], " for ", in[a]));
    }
  }
  c.set_output(0, c.dtype(0), shape);
}

std::unique_ptr<Step> plan_gather_elements(PlanContext& c) {
  GatherElements work{static_cast<int>(c.shape(0).size()), static_cast<int>(axis_of(c)), {}, {}, size_of(c.dtype(0))};
  std::copy(c.shape(1).begin(), c.shape(1).end(), work.shape);
  std::copy(c.shape(0).begin(), c.shape(0).end(), work.src_shape);
  return std::make_unique<GatherStep<GatherElements>>(work, c.dtype(1), "gather_elements");
}

}  // namespace

const OpDef op_gather{"gather", infer_gather, LayoutRule::plain, kNoFlags, plan_gather, {2}, {{"axis", kInt}}};
const AttributeDefs kGatherElementsAttributes{{"axis", kInt}};
const OpDef op_gather_elements{
    "gather_elements",        infer_gather_elements, LayoutRule::plain, kNoFlags, plan_gather_elements, {2},
    kGatherElementsAttributes};

}  // namespace fastconv::graph
