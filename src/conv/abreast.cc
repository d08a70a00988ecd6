#include "conv/abreast.h"

#include "base/threads.h"
#include "kernels/depthwise/table.h"

namespace fastconv {
namespace {

class AbreastPlan : public ConvPlan {
 public:
  AbreastPlan(const ConvProblem& problem, const ConvOptions& options)
      : options_(options),
        kernel_(choose_depthwise_f32(options.isa)),
        channels_(problem.k),
        values_(problem.n * problem.out_pixels() * problem.k),
        streams_outputs_(streams_outputs(values_ * static_cast<int64_t>(sizeof(float)), kDepthwiseLanes,
                                         kDepthwiseLanes, options.function)) {}

  int64_t workspace_bytes() const override { return kDepthwiseLanes * static_cast<int64_t>(sizeof(float)); }
  const KernelInfo& kernel() const override { return kernel_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (values_ == 0) return;
    kernel_.count_run();
    float* bias = static_cast<float*>(b.workspace);  // of each pixel abreast
    for (int64_t i = 0; b.bias && i < kDepthwiseLanes; ++i) bias[i] = b.bias[i % channels_];
    const int64_t whole = values_ / kDepthwiseLanes, rest = values_ % kDepthwiseLanes;
    parallel_for(whole, product_grain(kDepthwiseLanes * channels_), [&](int64_t begin, int64_t end) {
      run_pixels(b, begin, end - begin, kDepthwiseLanes);
      if (streams_outputs_) fence_streams();
    });
    if (rest) run_pixels(b, whole, 1, rest);
  }

 private:
  // `count` wide pixels from `first` on, the first `lanes` values of each.
  void run_pixels(const ConvBuffers& b, int64_t first, int64_t count, int64_t lanes) const noexcept {
    const TapRow row{0, 0};
    const RowTap tap{0, 0};
    const int64_t begin = first * kDepthwiseLanes;
    DepthwiseF32Args args;
    args.src = b.src + begin;
    args.pixel = args.dst_stride = kDepthwiseLanes;
    args.width = args.m = count;
    args.rows = &row;
    args.taps = &tap;
    args.row_count = args.tap_count = args.step = 1;
    args.group = args.window = channels_;
    args.weights = b.weights;
    args.first = 0;
    args.channels = lanes;
    args.dst = b.dst + begin;
    args.epilogue.call = options_.function;
    args.epilogue.stream = streams_outputs_ && at_a_line(b.dst);
    args.epilogue.bias = b.bias ? static_cast<const float*>(b.workspace) : nullptr;
    if (options_.residual) {
      args.epilogue.residual = b.residual + begin;
      args.epilogue.residual_stride = kDepthwiseLanes;
    }
    kernel_.fn(args);
  }

  ConvOptions options_;
  const DepthwiseF32Kernel& kernel_;
  int64_t channels_, values_;
  bool streams_outputs_;
};

}  // namespace

std::unique_ptr<ConvPlan> plan_abreast(const ConvProblem& problem, const ConvOptions& options) {
  return std::make_unique<AbreastPlan>(problem, options);
}

}  // namespace fastconv
