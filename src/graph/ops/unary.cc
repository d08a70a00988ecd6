// Operators of one input, and clip.
#include "graph/ops/unary.h"

#include <limits>

#include "base/with_type.h"
#include "graph/ops/broadcast.h"
#include "graph/ops/ops.h"
#include "kernels/elementwise/elementwise.h"

namespace fastconv::graph {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

class UnaryStep final : public Step {
 public:
  UnaryStep(FunctionCall call, const Broadcast& loops) : call_(call), plan_(loops) {}
  void run(const StepBuffers& buffers) const noexcept override {
    plan_.run(call_, static_cast<const float*>(buffers.inputs[0]), static_cast<float*>(buffers.outputs[0]));
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  FunctionCall call_;
  UnaryPlan plan_;
};

// clip whose limits arrive with the data. An absent one is an infinity.
class ClipStep final : public Step {
 public:
  ClipStep(bool has_min, bool has_max, const Broadcast& loops) : has_min_(has_min), has_max_(has_max), plan_(loops) {}
  void run(const StepBuffers& buffers) const noexcept override {
    const auto* const* inputs = reinterpret_cast<const float* const*>(buffers.inputs);
    plan_.run({Function::clamp, has_min_ ? *inputs[1] : -kInf, has_max_ ? *inputs[2] : kInf}, inputs[0],
              static_cast<float*>(buffers.outputs[0]));
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  bool has_min_, has_max_;
  UnaryPlan plan_;
};

// clip of other types. An absent limit is the end of the type's range.
template <class T>
class PlainClipStep final : public Step {
 public:
  PlainClipStep(PlainFn* fn, bool has_min, bool has_max, const Broadcast& loops)
      : fn_(fn), has_min_(has_min), has_max_(has_max), loops_(loops) {}
  void run(const StepBuffers& buffers) const noexcept override {
    using Limits = std::numeric_limits<T>;
    const T low = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    const T high = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const void* operands[3] = {buffers.inputs[0], has_min_ ? buffers.inputs[1] : &low,
                               has_max_ ? buffers.inputs[2] : &high};
    loops_.for_each_panel([&](const BroadcastPanel& panel) { fn_(operands, buffers.outputs[0], panel); });
  }
  std::string describe() const override { return "plain"; }

 private:
  PlainFn* fn_;
  bool has_min_, has_max_;
  Broadcast loops_;
};

FunctionCall with_alpha(const InferContext& c, Function function, double alpha) {
  return {function, static_cast<float>(c.get_float("alpha", alpha))};
}

// The call a unary operator stands for.
FunctionCall unary_call(const InferContext& c) {
  const std::string name = c.node().op->name;
  if (name == "relu") return kRelu;
  if (name == "leaky_relu") return with_alpha(c, Function::leaky_relu, 0.01);
  if (name == "thresholded_relu") return with_alpha(c, Function::thresholded_relu, 1);
  if (name == "elu") return with_alpha(c, Function::elu, 1);
  if (name == "celu") return with_alpha(c, Function::celu, 1);
  if (name == "selu") {
    return {Function::selu, static_cast<float>(c.get_float("alpha", 1.6732632)),
            static_cast<float>(c.get_float("gamma", 1.0507010))};
  }
  if (name == "hard_sigmoid") {
    return {Function::hard_sigmoid, static_cast<float>(c.get_float("alpha", 0.2)),
            static_cast<float>(c.get_float("beta", 0.5))};
  }
  if (name == "gelu") {
    const std::string approximate = c.get_string("approximate", "none");
    if (approximate == "none") return {Function::gelu};
    if (approximate == "tanh") return {Function::gelu_tanh};
    c.fail(concat("approximate must be none or tanh, got ", approximate));
  }
#define FASTCONV_FUNCTION(function) \
  if (name == #function) return {Function::function};
#include "kernels/elementwise/functions.inc"
#undef FASTCONV_FUNCTION
  c.fail("has no function");
}

void infer_unary(InferContext& c) {
  const DType dtype = c.dtype(0);
  if (const Function function = unary_call(c).function; dtype != DType::f32 && !plain_unary(function, dtype)) {
    c.fail(concat("the type must be float32, got ", dtype_name(dtype)));
  }
  c.set_output(0, dtype, c.shape(0));
}

std::unique_ptr<Step> plan_unary(PlanContext& c) {
  const FunctionCall call = unary_call(c);
  if (c.dtype(0) == DType::f32) return unary_step(c, call);
  return plain_step(c, plain_unary(call.function, c.dtype(0)), 1);
}

void infer_logical_not(InferContext& c) {
  if (c.dtype(0) != DType::b8) c.fail(concat("the type must be bool, got ", dtype_name(c.dtype(0))));
  c.set_output(0, DType::b8, c.shape(0));
}
std::unique_ptr<Step> plan_logical_not(PlanContext& c) {
  return plain_step(c, plain_not(), 1);
}

void infer_clip(InferContext& c) {
  const DType dtype = c.dtype(0);
  if (!plain_clip(dtype)) c.fail(concat("the type must be a number, got ", dtype_name(dtype)));
  for (int i = 1; i <= 2; ++i) {
    if (!c.has_input(i)) continue;
    if (c.dtype(i) != dtype) {
      c.fail(concat("limits must have the input's type ", dtype_name(dtype), ", got ", dtype_name(c.dtype(i))));
    }
    if (element_count(c.shape(i)) != 1) c.fail(concat("limits must have one element, got ", to_string(c.shape(i))));
  }
  c.set_output(0, dtype, c.shape(0));
}

std::unique_ptr<Step> plan_clip(PlanContext& c) {
  if (const auto call = unary_function(c)) return unary_step(c, *call);
  if (c.dtype(0) == DType::f32) {
    return std::make_unique<ClipStep>(c.has_input(1), c.has_input(2), broadcast_loops(c, 1));
  }
  const Shape shape = PlanContext::physical_shape(c.output(0)), one(shape.size(), 1);
  const Broadcast loops(shape, {shape, one, one},
                        {c.output(0).placement.pixel_stride, c.input(0).placement.pixel_stride});
  return with_type(c.dtype(0), [&]<class T>() -> std::unique_ptr<Step> {
    return std::make_unique<PlainClipStep<T>>(plain_clip(c.dtype(0)), c.has_input(1), c.has_input(2), loops);
  });
}

}  // namespace

std::unique_ptr<Step> unary_step(const PlanContext& c, FunctionCall call) {
  return std::make_unique<UnaryStep>(call, broadcast_loops(c, 1));
}

std::optional<FunctionCall> unary_function(const InferContext& c) {
  if (c.dtype(0) != DType::f32) return std::nullopt;
  const OpDef& op = *c.node().op;
  if (op.infer == infer_unary) return unary_call(c);
  if (op.infer != infer_clip) return std::nullopt;
  FunctionCall call{Function::clamp, -kInf, kInf};
  for (int i = 1; i <= 2; ++i) {
    if (!c.has_input(i)) continue;
    if (!c.constant(i)) return std::nullopt;
    (i == 1 ? call.a : call.b) = static_cast<float>(c.scalar(i));
  }
  return call;
}

#define FASTCONV_UNARY_OP(name, ...)                                                                         \
  const OpDef op_##name{#name,      infer_unary, LayoutRule::follow, kMayAlias | kPixelStrides | kEachImage, \
                        plan_unary, {1},         {__VA_ARGS__}};
FASTCONV_UNARY_OP(relu)
FASTCONV_UNARY_OP(leaky_relu, {"alpha", kFloat})
FASTCONV_UNARY_OP(thresholded_relu, {"alpha", kFloat})
FASTCONV_UNARY_OP(elu, {"alpha", kFloat})
FASTCONV_UNARY_OP(celu, {"alpha", kFloat})
FASTCONV_UNARY_OP(selu, {"alpha", kFloat}, {"gamma", kFloat})
FASTCONV_UNARY_OP(hard_sigmoid, {"alpha", kFloat}, {"beta", kFloat})
FASTCONV_UNARY_OP(hard_swish)
FASTCONV_UNARY_OP(sigmoid)
FASTCONV_UNARY_OP(silu)
FASTCONV_UNARY_OP(mish)
FASTCONV_UNARY_OP(tanh)
FASTCONV_UNARY_OP(gelu, {"approximate", kString})
FASTCONV_UNARY_OP(softplus)
FASTCONV_UNARY_OP(softsign)
FASTCONV_UNARY_OP(exp)
FASTCONV_UNARY_OP(log)
FASTCONV_UNARY_OP(erf)
FASTCONV_UNARY_OP(sin)
FASTCONV_UNARY_OP(cos)
FASTCONV_UNARY_OP(sqrt)
FASTCONV_UNARY_OP(reciprocal)
FASTCONV_UNARY_OP(neg)
FASTCONV_UNARY_OP(abs)
FASTCONV_UNARY_OP(sign)
FASTCONV_UNARY_OP(floor)
FASTCONV_UNARY_OP(ceil)
FASTCONV_UNARY_OP(round)
#undef FASTCONV_UNARY_OP
const OpDef op_logical_not{"logical_not", infer_logical_not, LayoutRule::follow, kMayAlias | kPixelStrides | kEachImage,
                           plan_logical_not};
const OpDef op_clip{"clip", infer_clip, LayoutRule::follow, kMayAlias | kPixelStrides | kEachImage, plan_clip, {1, 3}};

}  // namespace fastconv::graph
