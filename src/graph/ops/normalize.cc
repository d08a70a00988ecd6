// softmax and log_softmax; layer, instance and group normalisation; lrn.
#include "kernels/normalize/normalize.h"
#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

const float* floats(const StepBuffers& buffers, int i) {
  return static_cast<const float*>(buffers.inputs[i]);
}
float* result(const StepBuffers& buffers) {
  return static_cast<float*>(buffers.outputs[0]);
}

void require_f32(const InferContext& c) {
  if (c.dtype(0) != DType::f32) c.fail(concat("the type must be float32, got ", dtype_name(c.dtype(0))));
}

// Input 0 as (batch, channels, pixels).
struct Planes {
  int64_t batch, channels, pixels;
  bool channels_last;
};
Planes planes_of(const PlanContext& c) {
  const Shape& shape = c.shape(0);
  return {shape[0], shape[1], element_count(Shape(shape.begin() + 2, shape.end())),
          c.format() == Format::channels_last};
}

void require_channels(const InferContext& c) {
  require_f32(c);
  if (c.shape(0).size() < 2) c.fail(concat("the input must have rank >= 2, got ", to_string(c.shape(0))));
}

int64_t axis_of(const InferContext& c) {
  return c.axis(c.get_int("axis", -1), static_cast<int64_t>(c.shape(0).size()));
}

// A scale or bias of one value per channel.
void require_per_channel(const InferContext& c, int input, const char* name) {
  if (c.dtype(input) != DType::f32 || c.shape(input) != Shape{c.shape(0)[1]}) {
    c.fail(concat(name, " must be float32 [", c.shape(0)[1], "], got ", dtype_name(c.dtype(input)), " ",
                  to_string(c.shape(input))));
  }
}

class SoftmaxStep final : public Step {
 public:
  explicit SoftmaxStep(SoftmaxPlan plan) : plan_(plan) {}
  void run(const StepBuffers& buffers) const noexcept override { plan_.run(floats(buffers, 0), result(buffers)); }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  SoftmaxPlan plan_;
};

void infer_softmax(InferContext& c) {
  require_f32(c);
  axis_of(c);
  c.set_output(0, DType::f32, c.shape(0));
}

template <bool kLog>
std::unique_ptr<Step> plan_softmax(PlanContext& c) {
  const Shape extents = PlanContext::physical_shape(c.input(0));
  const auto at =
      extents.begin() + PlanContext::physical_axis(axis_of(c), static_cast<int64_t>(extents.size()), c.format());
  return std::make_unique<SoftmaxStep>(
      SoftmaxPlan(kLog, element_count(Shape(extents.begin(), at)), *at, element_count(Shape(at + 1, extents.end()))));
}

class LayerNormStep final : public Step {
 public:
  LayerNormStep(LayerNormPlan plan, int64_t n, bool has_scale, bool has_bias)
      : plan_(plan), ones_(has_scale ? 0 : n, 1.0f), zeros_(has_bias ? 0 : n, 0.0f) {}
  void run(const StepBuffers& buffers) const noexcept override {
    plan_.run(floats(buffers, 0), ones_.empty() ? floats(buffers, 1) : ones_.data(),
              zeros_.empty() ? floats(buffers, 2) : zeros_.data(), result(buffers));
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  LayerNormPlan plan_;
  std::vector<float> ones_, zeros_;  // in place of an absent scale or bias
};

void infer_layer_norm(InferContext& c) {
  require_f32(c);
  const Shape normalized(c.shape(0).begin() + axis_of(c), c.shape(0).end());
  for (int i = 1; i <= 2; ++i) {
    if (!c.has_input(i)) continue;
    if (c.dtype(i) != DType::f32 || c.shape(i) != normalized) {
      c.fail(concat(i == 1 ? "scale" : "bias", " must be float32 ", to_string(normalized), ", got ",
                    dtype_name(c.dtype(i)), " ", to_string(c.shape(i))));
    }
  }
  c.set_output(0, DType::f32, c.shape(0));
}

std::unique_ptr<Step> plan_layer_norm(PlanContext& c) {
  const Shape& shape = c.shape(0);
  const auto at = shape.begin() + axis_of(c);
  const int64_t rows = element_count(Shape(shape.begin(), at)), n = element_count(Shape(at, shape.end()));
  const LayerNormPlan plan(rows, n, c.get_float("epsilon", 1e-5));
  return std::make_unique<LayerNormStep>(plan, n, c.has_input(1), c.has_input(2));
}

class GroupNormStep final : public Step {
 public:
  explicit GroupNormStep(GroupNormPlan plan) : plan_(plan) {}
  int64_t workspace_bytes() const override { return plan_.workspace_bytes(); }
  void run(const StepBuffers& buffers) const noexcept override {
    plan_.run(floats(buffers, 0), floats(buffers, 1), floats(buffers, 2), result(buffers), buffers.workspace);
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  GroupNormPlan plan_;
};

void infer_instance_norm(InferContext& c) {
  require_channels(c);
  require_per_channel(c, 1, "scale");
  require_per_channel(c, 2, "bias");
  c.set_output(0, DType::f32, c.shape(0));
}

void infer_group_norm(InferContext& c) {
  infer_instance_norm(c);
  const int64_t groups = c.get_int("groups"), channels = c.shape(0)[1];
  if (groups < 1) c.fail(concat("groups must be >= 1, got ", groups));
  if (channels % groups != 0) c.fail(concat("groups must divide the channels ", channels, ", got ", groups));
}

std::unique_ptr<Step> group_norm_step(const PlanContext& c, int64_t groups) {
  const Planes p = planes_of(c);
  return std::make_unique<GroupNormStep>(
      GroupNormPlan(p.batch, p.channels, p.pixels, groups, c.get_float("epsilon", 1e-5), p.channels_last));
}
std::unique_ptr<Step> plan_instance_norm(PlanContext& c) {
  return group_norm_step(c, c.shape(0)[1]);
}
std::unique_ptr<Step> plan_group_norm(PlanContext& c) {
  return group_norm_step(c, c.get_int("groups"));
}

class LrnStep final : public Step {
 public:
  explicit LrnStep(LrnPlan plan) : plan_(plan) {}
  void run(const StepBuffers& buffers) const noexcept override { plan_.run(floats(buffers, 0), result(buffers)); }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  LrnPlan plan_;
};

void infer_lrn(InferContext& c) {
  require_channels(c);
  if (const int64_t size = c.get_int("size"); size < 1) c.fail(concat("size must be >= 1, got ", size));
  c.set_output(0, DType::f32, c.shape(0));
}

std::unique_ptr<Step> plan_lrn(PlanContext& c) {
  const Planes p = planes_of(c);
  const Lrn lrn{c.get_int("size"), c.get_float("alpha", 1e-4), c.get_float("beta", 0.75), c.get_float("bias", 1)};
  return std::make_unique<LrnStep>(p.channels_last ? LrnPlan(lrn, p.batch * p.pixels, p.channels, 1)
                                                   : LrnPlan(lrn, p.batch, p.channels, p.pixels));
}

}  // namespace

const AttributeDefs kSoftmaxAttributes{{"axis", kInt}};
const OpDef op_softmax{"softmax",           infer_softmax, LayoutRule::follow, kMayAlias,
                       plan_softmax<false>, {1},           kSoftmaxAttributes};
const OpDef op_log_softmax{"log_softmax",      infer_softmax, LayoutRule::follow, kMayAlias,
                           plan_softmax<true>, {1},           kSoftmaxAttributes};
// Plain: what is normalised are the last logical axes, side by side.
const AttributeDefs kLayerNormAttributes{{"axis", kInt}, {"epsilon", kFloat}};
const OpDef op_layer_norm{"layer_norm",    infer_layer_norm, LayoutRule::plain,   kMayAlias,
                          plan_layer_norm, {1, 3},           kLayerNormAttributes};
const AttributeDefs kInstanceNormAttributes{{"epsilon", kFloat}};
const OpDef op_instance_norm{
    "instance_norm",        infer_instance_norm, LayoutRule::follow, kMayAlias, plan_instance_norm, {3},
    kInstanceNormAttributes};
const AttributeDefs kGroupNormAttributes{{"groups", kInt}, {"epsilon", kFloat}};
const OpDef op_group_norm{"group_norm", infer_group_norm,    LayoutRule::follow, kMayAlias, plan_group_norm,
                          {3},          kGroupNormAttributes};
const AttributeDefs kLrnAttributes{{"size", kInt}, {"alpha", kFloat}, {"beta", kFloat}, {"bias", kFloat}};
const OpDef op_lrn{"lrn", infer_lrn, LayoutRule::follow, kNoFlags, plan_lrn, {1}, kLrnAttributes};

}  // namespace fastconv::graph
