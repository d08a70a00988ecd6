// The slow right answer: one output at a time in float64, rounded once. For tests and for trust; never chosen.
#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "conv/algorithms.h"
#include "kernels/gemm/table.h"

namespace fastconv {
namespace {

const KernelInfo kReferenceLoop("reference_f32__scalar", "reference", Isa::scalar);
struct Registered {
  Registered() { RegisterKernels::add(&kReferenceLoop); }
} const registered;

class ReferencePlan : public ConvPlan {
 public:
  ReferencePlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem), options_(with_strides(options, problem)) {}
  int64_t workspace_bytes() const override { return 0; }
  const KernelInfo& kernel() const override { return kReferenceLoop; }

  void run(const ConvBuffers& b) const noexcept override {
    kReferenceLoop.count_run();
    parallel_for(p_.n * p_.out_pixels(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t pixel = begin; pixel < end; ++pixel) {
        float* dst = b.dst + pixel * options_.dst_pixel_stride;
        for (int64_t k = 0; k < p_.k; ++k) {
          double sum = product_sum(b, pixel, k);
          if (b.bias) sum += b.bias[k];
          if (options_.residual) sum += b.residual[pixel * options_.residual_pixel_stride + k];
          dst[k] = static_cast<float>(sum);
        }
        apply_function(dst);
      }
    });
  }

 private:
  // The function is the kernels' own: a tap-GEMM without taps adds what is there to nothing and applies it.
  void apply_function(float* row) const {
    const GemmF32Kernel& kernel = choose_gemm_f32(options_.isa);
    for (int64_t first = 0; first < p_.k; first += kernel.nr) {
      GemmF32Args args{};
      args.m = 1;
      args.n = std::min<int64_t>(kernel.nr, p_.k - first);
      args.dst = row + first;
      args.epilogue.residual = row + first;
      args.epilogue.call = options_.function;
      kernel.fn(args);
    }
  }

  // The source position output o reads through tap r, or -1 where there is none.
  int64_t source(int axis, int64_t o, int64_t r) const {
    if (!p_.transposed) {
      const int64_t i = o * p_.stride[axis] + r * p_.dilation[axis] - p_.pad_begin[axis];
      return i < p_.in[axis] ? i : -1;
    }
    const int64_t position = o + p_.pad_begin[axis] - r * p_.dilation[axis];
    if (position < 0 || position % p_.stride[axis]) return -1;
    return position / p_.stride[axis] < p_.in[axis] ? position / p_.stride[axis] : -1;
  }

  double product_sum(const ConvBuffers& b, int64_t pixel, int64_t k) const {
    const int64_t w = pixel % p_.out[2], h = pixel / p_.out[2] % p_.out[1];
    const int64_t d = pixel / (p_.out[2] * p_.out[1]) % p_.out[0], n = pixel / p_.out_pixels();
    const int64_t group = k / p_.group_k(), taps = p_.taps(), first = group * p_.group_c();
    const WeightLayout layout = weight_layout(p_);
    const float* weights = b.weights + layout.first + group * layout.group + k % p_.group_k() * layout.output;
    double sum = 0;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t z = source(0, d, tap / (p_.kernel[2] * p_.kernel[1]));
      const int64_t y = source(1, h, tap / p_.kernel[2] % p_.kernel[1]);
      const int64_t x = source(2, w, tap % p_.kernel[2]);
      if (z < 0 || y < 0 || x < 0) continue;
      const float* pixels = b.src + (((n * p_.in[0] + z) * p_.in[1] + y) * p_.in[2] + x) * options_.src_pixel_stride;
      for (int64_t c = 0; c < p_.group_c(); ++c) {
        sum += static_cast<double>(pixels[first + c]) * weights[c * layout.input + tap * layout.tap];
      }
    }
    return sum;
  }

  ConvProblem p_;
  ConvOptions options_;
};

}  // namespace

const Algorithm kReference = {
    "reference",
    [](const ConvProblem&) { return Precision::highest; },
    [](const ConvProblem&) { return std::string(); },
    [](const ConvProblem&, Isa) { return std::string("as given"); },
    [](const ConvProblem& p, Isa) { return p.c * p.group_k() * p.taps(); },
    [](const ConvProblem& p, const float* weights, Isa, float* packed) {
      std::copy_n(weights, p.c * p.group_k() * p.taps(), packed);
    },
    [](const ConvProblem& p, const ConvOptions& o) -> std::unique_ptr<ConvPlan> {
      return std::make_unique<ReferencePlan>(p, o);
    },
};

}  // namespace fastconv
