// The normalize family: softmax along an axis, layer and group normalisation (instance normalisation has a group per
// channel), local response normalisation. float32, dense. Means and variances take two passes over the data (the reduce
// family's), so that a large mean costs no accuracy. Start reading at the plans below.
#pragma once

#include <cstdint>

#include "kernels/reduce/reduce.h"
#include "kernels/table.h"

namespace fastconv {

// y = exp(x - m) / sum of that, or log: x - m - log(sum exp(x - m)), with m the largest; along every row of cols values
// (softmax_rows), or down every column (softmax_columns). y may be x.
struct SoftmaxPanel {
  const float* x;
  float* y;
  int64_t rows, cols;
  int64_t row;  // elements between rows, of x and y
  bool log;
};
using SoftmaxFn = void(const SoftmaxPanel&) noexcept;

// y[i, j] = (x[i, j] - mean) * inv_std * scale + bias. mean and inv_std are one per row (stat_col 0) or per column
// (1), stat_row elements further with every row; scale and bias likewise. y may be x.
struct NormalizePanel {
  const float* x;
  float* y;
  int64_t rows, cols;
  int64_t row;
  const float *mean, *inv_std;
  int64_t stat_row, stat_col;
  const float *scale, *bias;
  int64_t affine_row, affine_col;
};
using NormalizeFn = void(const NormalizePanel&) noexcept;

// y[j] = x[j] * (bias + alpha * sum over k in [first, last] of x[j + k * channel]^2)^-beta for j in [0, n)
struct LrnRow {
  const float* x;
  float* y;
  int64_t n;
  int64_t channel;  // elements to the same pixel's next channel
  int64_t first, last;
  float alpha, beta, bias;
};
using LrnFn = void(const LrnRow&) noexcept;

#define FASTCONV_SOFTMAX(kind, name, isa) SoftmaxFn name;
#define FASTCONV_NORMALIZE(name, isa) NormalizeFn name;
#define FASTCONV_LRN(name, isa) LrnFn name;
#include "kernels/normalize/kernels.inc"
#undef FASTCONV_SOFTMAX
#undef FASTCONV_NORMALIZE
#undef FASTCONV_LRN

// Along the middle axis of (outer, n, inner).
class SoftmaxPlan {
 public:
  SoftmaxPlan(bool log, int64_t outer, int64_t n, int64_t inner, Isa isa = active_isa());
  void run(const float* x, float* y) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<SoftmaxFn>* kernel_;
  bool log_;
  int64_t outer_, n_, inner_;
};

// Every row of n values to mean 0 and variance 1, then times scale plus bias (n each).
class LayerNormPlan {
 public:
  LayerNormPlan(int64_t rows, int64_t n, double epsilon, Isa isa = active_isa());
  void run(const float* x, const float* scale, const float* bias, float* y) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<NormalizeFn>* kernel_;
  ReduceKernels reduce_;
  int64_t rows_, n_;
  double epsilon_;
};

// Every group of channels of an image likewise, with a scale and a bias per channel.
class GroupNormPlan {
 public:
  GroupNormPlan(int64_t batch, int64_t channels, int64_t pixels, int64_t groups, double epsilon, bool channels_last,
                Isa isa = active_isa());
  int64_t workspace_bytes() const;
  void run(const float* x, const float* scale, const float* bias, float* y, void* workspace) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  void run_plain(const float* x, const float* scale, const float* bias, float* y) const noexcept;
  void run_channels_last(const float* x, const float* scale, const float* bias, float* y,
                         float* workspace) const noexcept;

  const Kernel<NormalizeFn>* kernel_;
  ReduceKernels reduce_;
  int64_t batch_, channels_, pixels_, groups_;
  double epsilon_;
  bool channels_last_;
  ReducePass sums_, squares_;  // of channels, for channels_last
};

struct Lrn {
  int64_t size;  // channels in a window: (size - 1) / 2 before, the rest after
  double alpha, beta, bias;
};
class LrnPlan {
 public:
  // (outer, channels, inner)
  LrnPlan(const Lrn& lrn, int64_t outer, int64_t channels, int64_t inner, Isa isa = active_isa());
  void run(const float* x, float* y) const noexcept;
  const char* kernel_name() const { return kernel_->name; }

 private:
  const Kernel<LrnFn>* kernel_;
  Lrn lrn_;
  int64_t outer_, channels_, inner_;
};

}  // namespace fastconv
