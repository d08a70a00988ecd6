// im2col + GEMM: copies each output pixel's inputs side by side, so that the convolution is one matrix product with
// K = taps * channels. It pays where rows of output pixels are too short for the direct algorithm's row tiles.
#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "conv/algorithms.h"
#include "conv/tap_weights.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"

namespace fastconv {
namespace {

class Im2colPlan : public ConvPlan {
 public:
  Im2colPlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem), options_(with_strides(options, problem)), kernel_(tap_kernel<float>(problem, options.isa)) {
    row_ = checked_mul(p_.taps(), p_.group_c());
    // A band of columns stays in half of L2 between its being written and being read.
    const int64_t rows = cpu_info().l2_bytes / 2 / (row_ * static_cast<int64_t>(sizeof(float)));
    band_ = std::clamp<int64_t>(rows, kernel_.mr, p_.out_pixels());
  }

  int64_t workspace_bytes() const override { return checked_mul(band_, row_ * static_cast<int64_t>(sizeof(float))); }
  const KernelInfo& kernel() const override { return kernel_; }

  void run(const ConvBuffers& buffers) const noexcept override {
    float* columns = static_cast<float*>(buffers.workspace);
    for (int64_t image = 0; image < p_.n; ++image) {
      const float* src = buffers.src + image * p_.in_pixels() * options_.src_pixel_stride;
      for (int64_t first = 0; first < p_.out_pixels(); first += band_) {
        const int64_t count = std::min(band_, p_.out_pixels() - first);
        for (int64_t group = 0; group < p_.groups; ++group) {
          parallel_for(count, 1 + (1 << 14) / row_, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) gather(src + group * p_.group_c(), first + i, columns + i * row_);
          });
          multiply(buffers, columns, group, image * p_.out_pixels() + first, count);
        }
      }
    }
  }

 private:
  void gather(const float* src, int64_t pixel, float* to) const noexcept {
    const int64_t w = pixel % p_.out[2], h = pixel / p_.out[2] % p_.out[1], d = pixel / (p_.out[2] * p_.out[1]);
    const int64_t c = p_.group_c();
    const size_t bytes = static_cast<size_t>(c) * sizeof(float);
    for (int64_t q = 0; q < p_.kernel[0]; ++q) {
      const int64_t z = d * p_.stride[0] + q * p_.dilation[0] - p_.pad_begin[0];
      for (int64_t r = 0; r < p_.kernel[1]; ++r) {
        const int64_t y = h * p_.stride[1] + r * p_.dilation[1] - p_.pad_begin[1];
        const bool row_inside = z >= 0 && z < p_.in[0] && y >= 0 && y < p_.in[1];
        for (int64_t s = 0; s < p_.kernel[2]; ++s, to += c) {
          const int64_t x = w * p_.stride[2] + s * p_.dilation[2] - p_.pad_begin[2];
          if (row_inside && x >= 0 && x < p_.in[2]) {
            std::memcpy(to, src + ((z * p_.in[1] + y) * p_.in[2] + x) * options_.src_pixel_stride, bytes);
          } else {
            std::memset(to, 0, bytes);
          }
        }
      }
    }
  }

  void multiply(const ConvBuffers& buffers, const float* columns, int64_t group, int64_t pixel,
                int64_t count) const noexcept {
    const Tap tap{0, 0};
    const int64_t column = group * p_.group_k();
    GemmF32Args args;
    args.src = columns;
    args.row_stride = row_;
    args.taps = &tap;
    args.tap_count = 1;
    args.k = row_;
    args.weights = buffers.weights + group * packed_size(row_, p_.group_k(), kernel_.packed_nr);
    args.m = count;
    args.n = p_.group_k();
    args.dst = buffers.dst + pixel * options_.dst_pixel_stride + column;
    args.dst_stride = options_.dst_pixel_stride;
    args.epilogue = epilogue_at(options_, buffers, pixel, 1, column);
    gemm_matrix(kernel_, args, row_);
  }

  ConvProblem p_;
  ConvOptions options_;
  const GemmF32Kernel& kernel_;
  int64_t row_;   // products per output
  int64_t band_;  // output pixels gathered at a time
};

}  // namespace

const Algorithm kIm2col = {
    "im2col",
    [](const ConvProblem&) { return Precision::highest; },
    refuse_transposed,
    tap_pack_key<float>,
    tap_packed_size<float>,
    tap_pack<float>,
    [](const ConvProblem& p, const ConvOptions& o) -> std::unique_ptr<ConvPlan> {
      return std::make_unique<Im2colPlan>(p, o);
    },
    tap_unpack,
};

}  // namespace fastconv
