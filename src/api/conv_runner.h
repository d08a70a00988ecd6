// A planned convolution between arrays of any layout: converts to NHWC and back only where the caller's arrays do not
// already lie so. Serves fastconv/conv.h and the Python functions.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "conv/algorithm.h"
#include "kernels/copy/copy.h"

namespace fastconv {

// Where an array's elements lie: strides in elements for N, C, D, H, W.
using Strides5 = std::array<int64_t, 5>;

Strides5 channels_first_strides(int64_t c, const Dims& size);
Strides5 channels_last_strides(int64_t c, const Dims& size);

struct ConvRequest {
  ConvProblem problem;  // validated
  Strides5 src, dst;
  Precision precision = Precision::highest;
  std::string algorithm = "auto";
  const char* what = "conv";  // for messages
};

class ConvRunner {
 public:
  // weights and bias (may be null) are copied.
  ConvRunner(const ConvRequest& request, const float* weights, const float* bias);

  int64_t workspace_bytes() const { return workspace_bytes_; }
  void run(const float* src, float* dst, void* workspace) const noexcept;
  const Algorithm& algorithm() const { return *algorithm_; }
  const KernelInfo& kernel() const { return plan_->kernel(); }

 private:
  const Algorithm* algorithm_;
  std::unique_ptr<ConvPlan> plan_;
  AlignedArray<float> weights_;  // packed
  AlignedArray<float> bias_;
  std::string told_;  // how runs are told of on stderr; empty where they are not
  bool converts_src_ = false, converts_dst_ = false;
  CopyPlan src_copy_, dst_copy_;
  int64_t src_offset_ = 0, dst_offset_ = 0;  // of the converted arrays in the workspace
  int64_t workspace_bytes_ = 0;
};

}  // namespace fastconv
