// argmax, argmin, topk and cumsum: work along one axis.
#include "graph/ops/ops.h"
#include "kernels/reduce/axis.h"

namespace fastconv::graph {
namespace {

// Input 0 as (outer, n, inner) around a logical axis.
AxisExtents extents_around(const PlanContext& c, int64_t axis) {
  const Value& x = c.input(0);
  const Shape extents = PlanContext::physical_shape(x);
  const auto at = extents.begin() + PlanContext::physical_axis(axis, static_cast<int64_t>(extents.size()), x.format);
  return {element_count(Shape(extents.begin(), at)), *at, element_count(Shape(at + 1, extents.end()))};
}

int64_t axis_attribute(const InferContext& c, int64_t otherwise) {
  return c.axis(c.get_int("axis", otherwise), static_cast<int64_t>(c.shape(0).size()));
}

class ArgReduceStep final : public Step {
 public:
  ArgReduceStep(ArgReduceFn* fn, AxisExtents extents, ArgReduce what) : fn_(fn), extents_(extents), what_(what) {}
  void run(const StepBuffers& buffers) const noexcept override {
    fn_(buffers.inputs[0], static_cast<int64_t*>(buffers.outputs[0]), extents_, what_);
  }

 private:
  ArgReduceFn* fn_;
  AxisExtents extents_;
  ArgReduce what_;
};

void infer_arg_reduce(InferContext& c) {
  Shape out = c.shape(0);
  const int64_t axis = axis_attribute(c, 0);
  if (out[axis] == 0) c.fail(concat("the axis must have elements, got ", to_string(out)));
  out[axis] = 1;
  if (c.get_int("keepdims", 1) == 0) out.erase(out.begin() + axis);
  c.set_output(0, DType::i64, std::move(out));
}

template <bool kLargest>
std::unique_ptr<Step> plan_arg_reduce(PlanContext& c) {
  const ArgReduce what{kLargest, c.get_int("select_last_index", 0) != 0};
  return std::make_unique<ArgReduceStep>(arg_reduce(c.dtype(0)), extents_around(c, axis_attribute(c, 0)), what);
}

class TopKStep final : public Step {
 public:
  TopKStep(TopKFn* fn, AxisExtents extents, TopK what) : fn_(fn), extents_(extents), what_(what) {}
  int64_t workspace_bytes() const override { return topk_workspace_bytes(extents_); }
  void run(const StepBuffers& buffers) const noexcept override {
    fn_(buffers.inputs[0], buffers.outputs[0], static_cast<int64_t*>(buffers.outputs[1]), extents_, what_,
        buffers.workspace);
  }

 private:
  TopKFn* fn_;
  AxisExtents extents_;
  TopK what_;
};

void infer_topk(InferContext& c) {
  Shape out = c.shape(0);
  const int64_t axis = axis_attribute(c, -1);
  const int64_t k = c.integer(1);
  if (k < 0 || k > out[axis]) c.fail(concat("k must be in [0, ", out[axis], "], got ", k));
  out[axis] = k;
  c.set_output(0, c.dtype(0), out);
  c.set_output(1, DType::i64, std::move(out));
}

std::unique_ptr<Step> plan_topk(PlanContext& c) {
  const TopK what{c.integer(1), c.get_int("largest", 1) != 0};
  return std::make_unique<TopKStep>(topk(c.dtype(0)), extents_around(c, axis_attribute(c, -1)), what);
}

class CumSumStep final : public Step {
 public:
  CumSumStep(CumSumFn* fn, AxisExtents extents, CumSum how) : fn_(fn), extents_(extents), how_(how) {}
  void run(const StepBuffers& buffers) const noexcept override {
    fn_(buffers.inputs[0], buffers.outputs[0], extents_, how_);
  }

 private:
  CumSumFn* fn_;
  AxisExtents extents_;
  CumSum how_;
};

int64_t cumsum_axis(const InferContext& c) {
  return c.axis(c.integer(1), static_cast<int64_t>(c.shape(0).size()));
}

void infer_cumsum(InferContext& c) {
  if (!cumsum(c.dtype(0))) c.fail(concat("the type must be a number, got ", dtype_name(c.dtype(0))));
  cumsum_axis(c);
  c.set_output(0, c.dtype(0), c.shape(0));
}

std::unique_ptr<Step> plan_cumsum(PlanContext& c) {
  const CumSum how{c.get_int("exclusive", 0) != 0, c.get_int("reverse", 0) != 0};
  return std::make_unique<CumSumStep>(cumsum(c.dtype(0)), extents_around(c, cumsum_axis(c)), how);
}

}  // namespace

const AttributeDefs kArgReduceAttributes{{"axis", kInt}, {"keepdims", kInt}, {"select_last_index", kInt}};

const OpDef op_argmax{"argmax", infer_arg_reduce,    LayoutRule::follow, kNoFlags, plan_arg_reduce<true>,
                      {1},      kArgReduceAttributes};
const OpDef op_argmin{"argmin", infer_arg_reduce,    LayoutRule::follow, kNoFlags, plan_arg_reduce<false>,
                      {1},      kArgReduceAttributes};
const AttributeDefs kTopkAttributes{{"axis", kInt}, {"largest", kInt}, {"sorted", kInt}};
const OpDef op_topk{"topk", infer_topk, LayoutRule::follow, kValueInputs, plan_topk, {2}, kTopkAttributes, {2}};
const AttributeDefs kCumsumAttributes{{"exclusive", kInt}, {"reverse", kInt}};
const OpDef op_cumsum{"cumsum",    infer_cumsum, LayoutRule::follow, kMayAlias | kValueInputs,
                      plan_cumsum, {2},          kCumsumAttributes};

}  // namespace fastconv::graph
