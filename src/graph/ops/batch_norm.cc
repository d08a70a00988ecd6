// batch_norm where no convolution before it could take it in: y = x * s + t per channel, s and t from the four
// parameters. See passes/fold_scales.cc for the usual case.
#include <cmath>

#include "graph/ops/ops.h"
#include "kernels/elementwise/elementwise.h"

namespace fastconv::graph {
namespace {

class BatchNormStep final : public Step {
 public:
  BatchNormStep(const Shape& x, const Shape& channels, int64_t from_pixel, int64_t to_pixel, float epsilon)
      : channels_(element_count(channels)),
        epsilon_(epsilon),
        scale_(BinaryFunction::mul, Broadcast(x, {x, channels}, {to_pixel, from_pixel})),
        shift_(BinaryFunction::add, Broadcast(x, {x, channels}, {to_pixel, to_pixel})) {}

  int64_t workspace_bytes() const override { return 2 * channels_ * static_cast<int64_t>(sizeof(float)); }

  void run(const StepBuffers& buffers) const noexcept override {
    const auto input = [&](int i) { return static_cast<const float*>(buffers.inputs[i]); };
    float* s = static_cast<float*>(buffers.workspace);
    float* t = s + channels_;
    for (int64_t i = 0; i < channels_; ++i) {
      s[i] = input(1)[i] / std::sqrt(input(4)[i] + epsilon_);
      t[i] = input(2)[i] - input(3)[i] * s[i];
    }
    float* y = static_cast<float*>(buffers.outputs[0]);
    scale_.run(input(0), s, y);
    shift_.run(y, t, y);
  }
  std::string describe() const override { return scale_.kernel_name(); }

 private:
  int64_t channels_;
  float epsilon_;
  BinaryPlan scale_, shift_;
};

void infer_batch_norm(InferContext& c) {
  const Shape& x = c.shape(0);
  if (x.size() < 2) c.fail(concat("input must have rank >= 2, got ", to_string(x)));
  for (int i = 0; i < 5; ++i) {
    if (c.dtype(i) != DType::f32) c.fail(concat("input ", i, " must be float32, got ", dtype_name(c.dtype(i))));
    if (i > 0 && c.shape(i) != Shape{x[1]}) {
      c.fail(concat("input ", i, " must have shape [", x[1], "], got ", to_string(c.shape(i))));
    }
  }
  c.set_output(0, DType::f32, x);
}

std::unique_ptr<Step> plan_batch_norm(PlanContext& c) {
  const Shape& x = c.shape(0);
  const auto rank = static_cast<int64_t>(x.size());
  Shape channels(x.size(), 1);
  channels[PlanContext::physical_axis(1, rank, c.format())] = x[1];
  return std::make_unique<BatchNormStep>(PlanContext::physical_shape(c.output(0)), channels,
                                         c.input(0).placement.pixel_stride, c.output(0).placement.pixel_stride,
                                         static_cast<float>(c.get_float("epsilon", 1e-5)));
}

}  // namespace

const AttributeDefs kBatchNormAttributes{{"epsilon", kFloat}};
const OpDef op_batch_norm{
    "batch_norm", infer_batch_norm,    LayoutRule::follow, kMayAlias | kPixelStrides | kEachImage, plan_batch_norm,
    {5},          kBatchNormAttributes};

}  // namespace fastconv::graph
