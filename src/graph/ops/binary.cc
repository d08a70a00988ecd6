// Operators of two inputs that broadcast, and where.
#include "graph/ops/broadcast.h"
#include "graph/ops/ops.h"
#include "graph/ops/unary.h"
#include "kernels/elementwise/elementwise.h"

namespace fastconv::graph {
namespace {

class BinaryStep final : public Step {
 public:
  BinaryStep(BinaryFunction function, const Broadcast& loops) : plan_(function, loops) {}
  void run(const StepBuffers& buffers) const noexcept override {
    plan_.run(static_cast<const float*>(buffers.inputs[0]), static_cast<const float*>(buffers.inputs[1]),
              static_cast<float*>(buffers.outputs[0]));
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  BinaryPlan plan_;
};

DType common_type(const InferContext& c, int first, int second) {
  if (c.dtype(first) != c.dtype(second)) {
    c.fail(concat("inputs must have one type, got ", dtype_name(c.dtype(first)), " and ", dtype_name(c.dtype(second))));
  }
  return c.dtype(first);
}

PlainFn* required(const InferContext& c, PlainFn* fn, DType dtype) {
  if (!fn) c.fail(concat("the type must be one the operator is defined for, got ", dtype_name(dtype)));
  return fn;
}

// Powers that are another function: x^2, x^(1/2), 1/x.
std::optional<FunctionCall> power_function(const InferContext& c) {
  if (!c.constant(1) || element_count(c.shape(1)) != 1) return std::nullopt;
  const double exponent = c.scalar(1);
  if (exponent == 2) return FunctionCall{Function::square};
  if (exponent == 0.5) return FunctionCall{Function::sqrt};
  if (exponent == -1) return FunctionCall{Function::reciprocal};
  return std::nullopt;
}

template <BinaryFunction F>
void infer_binary(InferContext& c) {
  const DType dtype = common_type(c, 0, 1);
  required(c, plain_binary(F, dtype), dtype);
  c.set_output(0, dtype, broadcast_shape(c, 2));
  if (F == BinaryFunction::prelu && c.results[0].shape != c.shape(0)) {
    c.fail(
        concat("slope must broadcast to the input's shape ", to_string(c.shape(0)), ", got ", to_string(c.shape(1))));
  }
}

template <BinaryFunction F>
std::unique_ptr<Step> plan_binary(PlanContext& c) {
  if (c.dtype(0) != DType::f32) return plain_step(c, plain_binary(F, c.dtype(0)), 2);
  if (F == BinaryFunction::pow && element_count(c.shape(0)) == element_count(c.output(0).shape)) {
    if (const auto call = power_function(c)) return unary_step(c, *call);
  }
  return std::make_unique<BinaryStep>(F, broadcast_loops(c, 2));
}

template <Comparison C>
void infer_comparison(InferContext& c) {
  common_type(c, 0, 1);
  c.set_output(0, DType::b8, broadcast_shape(c, 2));
}
template <Comparison C>
std::unique_ptr<Step> plan_comparison(PlanContext& c) {
  return plain_step(c, plain_compare(C, c.dtype(0)), 2);
}

template <Logical L>
void infer_logical(InferContext& c) {
  if (const DType dtype = common_type(c, 0, 1); dtype != DType::b8) {
    c.fail(concat("the type must be bool, got ", dtype_name(dtype)));
  }
  c.set_output(0, DType::b8, broadcast_shape(c, 2));
}
template <Logical L>
std::unique_ptr<Step> plan_logical(PlanContext& c) {
  return plain_step(c, plain_logical(L), 2);
}

void infer_where(InferContext& c) {
  if (c.dtype(0) != DType::b8) c.fail(concat("condition must be bool, got ", dtype_name(c.dtype(0))));
  c.set_output(0, common_type(c, 1, 2), broadcast_shape(c, 3));
}
std::unique_ptr<Step> plan_where(PlanContext& c) {
  return plain_step(c, plain_where(c.dtype(1)), 3);
}

}  // namespace

#define FASTCONV_BINARY_OP(name, kind, Enum)                    \
  const OpDef op_##name{#name,                                  \
                        infer_##kind<Enum::name>,               \
                        LayoutRule::follow,                     \
                        kMayAlias | kPixelStrides | kEachImage, \
                        plan_##kind<Enum::name>,                \
                        {2}};
#define FASTCONV_BINARY_FUNCTION(name) FASTCONV_BINARY_OP(name, binary, BinaryFunction)
#include "kernels/elementwise/binary_functions.inc"
#undef FASTCONV_BINARY_FUNCTION
FASTCONV_BINARY_OP(equal, comparison, Comparison)
FASTCONV_BINARY_OP(less, comparison, Comparison)
FASTCONV_BINARY_OP(less_equal, comparison, Comparison)
FASTCONV_BINARY_OP(greater, comparison, Comparison)
FASTCONV_BINARY_OP(greater_equal, comparison, Comparison)
FASTCONV_BINARY_OP(logical_and, logical, Logical)
FASTCONV_BINARY_OP(logical_or, logical, Logical)
FASTCONV_BINARY_OP(logical_xor, logical, Logical)
#undef FASTCONV_BINARY_OP

const OpDef op_where{"where", infer_where, LayoutRule::follow, kMayAlias | kPixelStrides | kEachImage, plan_where, {3}};

}  // namespace fastconv::graph
