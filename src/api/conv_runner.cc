#include "api/conv_runner.h"

#include <algorithm>
#include <cstdio>

#include "base/verbose.h"

namespace fastconv {
namespace {

// The distance between neighbouring pixels if the array is NHWC with evenly spaced pixels of unit-stride channels,
// else 0. Axes of extent 1 have no say.
int64_t pixel_stride(const Strides5& strides, int64_t n, int64_t c, const Dims& size) {
  if (c > 1 && strides[1] != 1) return 0;
  int64_t pixel = 0, expected = 0;
  const int64_t extents[4] = {size[2], size[1], size[0], n},
                steps[4] = {strides[4], strides[3], strides[2], strides[0]};
  for (int i = 0; i < 4; ++i) {
    if (extents[i] == 1) continue;
    if (pixel == 0) {
      // The innermost axis that has neighbours sets the distance; it must be an axis of adjacent pixels.
      pixel = expected = steps[i];
      if (pixel < c) return 0;
    } else if (steps[i] != expected) {
      return 0;
    }
    expected *= extents[i];
  }
  return pixel == 0 ? c : pixel;
}

StridedCopy copy_between(const ConvProblem& p, int64_t c, const Dims& size, const Strides5& from, const Strides5& to) {
  StridedCopy copy;
  copy.add(p.n, from[0], to[0]).add(c, from[1], to[1]);
  for (int i = 0; i < 3; ++i) copy.add(size[i], from[2 + i], to[2 + i]);
  return copy;
}

int64_t bytes_of(int64_t n, int64_t c, const Dims& size) {
  return round_up(n * c * size[0] * size[1] * size[2] * static_cast<int64_t>(sizeof(float)), kAlignment);
}

}  // namespace

Strides5 channels_first_strides(int64_t c, const Dims& s) {
  return {c * s[0] * s[1] * s[2], s[0] * s[1] * s[2], s[1] * s[2], s[2], 1};
}

Strides5 channels_last_strides(int64_t c, const Dims& s) {
  return {c * s[0] * s[1] * s[2], 1, c * s[1] * s[2], c * s[2], c};
}

ConvRunner::ConvRunner(const ConvRequest& request, const float* weights, const float* bias) {
  const ConvProblem& p = request.problem;
  const Isa isa = active_isa();
  algorithm_ = &choose_algorithm(p, Machine::here(isa), request.precision, request.algorithm, request.what);
  ConvOptions options;
  options.isa = isa;
  options.src_pixel_stride = pixel_stride(request.src, p.n, p.c, p.in);
  options.dst_pixel_stride = pixel_stride(request.dst, p.n, p.k, p.out);
  converts_src_ = options.src_pixel_stride == 0;
  converts_dst_ = options.dst_pixel_stride == 0;
  plan_ = algorithm_->plan(p, options);
  weights_ = pack_weights(*algorithm_, p, weights, isa);
  if (bias) {
    bias_ = AlignedArray<float>(p.k);
    std::copy_n(bias, p.k, bias_.data());
  }
  workspace_bytes_ = round_up(plan_->workspace_bytes(), kAlignment);
  if (converts_src_) {
    src_copy_ = CopyPlan(copy_between(p, p.c, p.in, request.src, channels_last_strides(p.c, p.in)), isa);
    src_offset_ = workspace_bytes_;
    workspace_bytes_ = checked_add(workspace_bytes_, bytes_of(p.n, p.c, p.in));
  }
  if (converts_dst_) {
    dst_copy_ = CopyPlan(copy_between(p, p.k, p.out, channels_last_strides(p.k, p.out), request.dst), isa);
    dst_offset_ = workspace_bytes_;
    workspace_bytes_ = checked_add(workspace_bytes_, bytes_of(p.n, p.k, p.out));
  }
  if (is_verbose()) {
    told_ = concat(request.what, " ", p.n, "x", p.key());
    std::fprintf(stderr, "fastconv: plan for %s: %s %s, workspace %lld bytes\n", told_.c_str(), algorithm_->name,
                 kernel().name, static_cast<long long>(workspace_bytes_));
  }
}

void ConvRunner::run(const float* src, float* dst, void* workspace) const noexcept {
  const RunClock clock(!told_.empty());
  char* memory = static_cast<char*>(workspace);
  float* const nhwc_src = reinterpret_cast<float*>(memory + src_offset_);
  float* const nhwc_dst = reinterpret_cast<float*>(memory + dst_offset_);
  if (converts_src_) src_copy_.run(src, nhwc_src);
  plan_->run({converts_src_ ? nhwc_src : src, weights_.data(), bias_.data(), nullptr, converts_dst_ ? nhwc_dst : dst,
              workspace});
  if (converts_dst_) dst_copy_.run(nhwc_dst, dst);
  if (!told_.empty()) std::fprintf(stderr, "fastconv: run of %s: %.3f ms\n", told_.c_str(), clock.ms());
}

}  // namespace fastconv
