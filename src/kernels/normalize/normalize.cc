// The normalize family's table, and the plans: which rows or columns a task takes.
#include "kernels/normalize/normalize.h"

#include <algorithm>
#include <cmath>

#include "base/checks.h"
#include "base/threads.h"

namespace fastconv {
namespace {

enum class SoftmaxKind { rows, columns };
struct SoftmaxKernel : Kernel<SoftmaxFn> {
  SoftmaxKind kind;
};

#define FASTCONV_SOFTMAX(kind, name, isa) {{#name, "normalize", Isa::isa, name}, SoftmaxKind::kind},
#define FASTCONV_NORMALIZE(name, isa)
#define FASTCONV_LRN(name, isa)
const SoftmaxKernel kSoftmaxRows[] = {
#include "kernels/normalize/kernels.inc"
};
#undef FASTCONV_SOFTMAX
#undef FASTCONV_NORMALIZE
#define FASTCONV_SOFTMAX(kind, name, isa)
#define FASTCONV_NORMALIZE(name, isa) {#name, "normalize", Isa::isa, name},
const Kernel<NormalizeFn> kNormalizeRows[] = {
#include "kernels/normalize/kernels.inc"
};
#undef FASTCONV_NORMALIZE
#undef FASTCONV_LRN
#define FASTCONV_NORMALIZE(name, isa)
#define FASTCONV_LRN(name, isa) {#name, "normalize", Isa::isa, name},
const Kernel<LrnFn> kLrnRows[] = {
#include "kernels/normalize/kernels.inc"
};
#undef FASTCONV_SOFTMAX
#undef FASTCONV_NORMALIZE
#undef FASTCONV_LRN

const RegisterKernels registered_softmax(kSoftmaxRows);
const RegisterKernels registered_normalize(kNormalizeRows);
const RegisterKernels registered_lrn(kLrnRows);

const Kernel<SoftmaxFn>* choose_softmax(SoftmaxKind kind, Isa isa) {
  const SoftmaxKernel* best = nullptr;
  for (const SoftmaxKernel& row : kSoftmaxRows) {
    if (row.kind == kind && row.isa <= isa && (!best || row.isa > best->isa)) best = &row;
  }
  return best;
}

constexpr int64_t kGrain = 16 << 10;  // elements worth waking a thread for
constexpr int64_t kColumnGroup = 64;  // columns of one task
constexpr int64_t kRowBlock = 16;     // rows whose statistics are taken together

// Items of `size` elements each that are worth waking a thread for.
int64_t grain_of(int64_t size) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, size));
}

float inv_std_of(double square_sum, int64_t count, double epsilon) {
  return static_cast<float>(1.0 / std::sqrt(square_sum / static_cast<double>(count) + epsilon));
}

// The statistics of `rows` rows of n values. Sums are of differences from a row's first value: a mean far from zero
// would cost the sum of the values themselves its last digits.
void row_statistics(const ReduceKernels& reduce, const float* x, int64_t rows, int64_t n, double epsilon, float* mean,
                    float* inv_std) {
  float first[kRowBlock];
  for (int64_t i = 0; i < rows; ++i) first[i] = x[i * n];
  reduce.rows->fn({Reducer::sum, x, first, mean, rows, n, n});
  for (int64_t i = 0; i < rows; ++i) mean[i] = static_cast<float>(first[i] + mean[i] / static_cast<double>(n));
  reduce.rows->fn({Reducer::sum_square, x, mean, inv_std, rows, n, n});
  for (int64_t i = 0; i < rows; ++i) inv_std[i] = inv_std_of(inv_std[i], n, epsilon);
}

}  // namespace

SoftmaxPlan::SoftmaxPlan(bool log, int64_t outer, int64_t n, int64_t inner, Isa isa)
    : kernel_(choose_softmax(inner == 1 ? SoftmaxKind::rows : SoftmaxKind::columns, isa)),
      log_(log),
      outer_(outer),
      n_(n),
      inner_(inner) {}

void SoftmaxPlan::run(const float* x, float* y) const noexcept {
  kernel_->count_run();
  if (inner_ == 1) {
    parallel_for(outer_, grain_of(n_), [&](int64_t begin, int64_t end) {
      kernel_->fn({x + begin * n_, y + begin * n_, end - begin, n_, n_, log_});
    });
    return;
  }
  const int64_t groups = ceil_div(inner_, kColumnGroup);
  parallel_for(outer_ * groups, grain_of(n_ * std::min(inner_, kColumnGroup)), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t col = item % groups * kColumnGroup, at = item / groups * n_ * inner_ + col;
      kernel_->fn({x + at, y + at, n_, std::min(kColumnGroup, inner_ - col), inner_, log_});
    }
  });
}

LayerNormPlan::LayerNormPlan(int64_t rows, int64_t n, double epsilon, Isa isa)
    : kernel_(&choose_kernel(kNormalizeRows, isa)),
      reduce_(reduce_kernels(isa)),
      rows_(rows),
      n_(n),
      epsilon_(epsilon) {}

void LayerNormPlan::run(const float* x, const float* scale, const float* bias, float* y) const noexcept {
  kernel_->count_run();
  reduce_.rows->count_run();
  parallel_for(rows_, grain_of(n_), [&](int64_t begin, int64_t end) {
    float mean[kRowBlock], inv_std[kRowBlock];
    for (int64_t row = begin; row < end; row += kRowBlock) {
      const int64_t rows = std::min(kRowBlock, end - row);
      row_statistics(reduce_, x + row * n_, rows, n_, epsilon_, mean, inv_std);
      kernel_->fn({x + row * n_, y + row * n_, rows, n_, n_, mean, inv_std, 1, 0, scale, bias, 0, 1});
    }
  });
}

GroupNormPlan::GroupNormPlan(int64_t batch, int64_t channels, int64_t pixels, int64_t groups, double epsilon,
                             bool channels_last, Isa isa)
    : kernel_(&choose_kernel(kNormalizeRows, isa)),
      reduce_(reduce_kernels(isa)),
      batch_(batch),
      channels_(channels),
      pixels_(pixels),
      groups_(groups),
      epsilon_(epsilon),
      channels_last_(channels_last),
      sums_(Reducer::sum, DType::f32, batch, pixels, channels, isa),
      squares_(Reducer::sum_square, DType::f32, batch, pixels, channels, isa) {}

int64_t GroupNormPlan::workspace_bytes() const {
  return channels_last_ ? checked_mul(2 * batch_, channels_ * static_cast<int64_t>(sizeof(float))) : 0;
}

void GroupNormPlan::run(const float* x, const float* scale, const float* bias, float* y,
                        void* workspace) const noexcept {
  kernel_->count_run();
  if (channels_last_) {
    run_channels_last(x, scale, bias, y, static_cast<float*>(workspace));
  } else {
    run_plain(x, scale, bias, y);
  }
}

void GroupNormPlan::run_plain(const float* x, const float* scale, const float* bias, float* y) const noexcept {
  const int64_t width = channels_ / groups_, n = width * pixels_;
  reduce_.rows->count_run();
  parallel_for(batch_ * groups_, grain_of(n), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t channel = group % groups_ * width;
      float mean, inv_std;
      row_statistics(reduce_, x + group * n, 1, n, epsilon_, &mean, &inv_std);
      kernel_->fn({x + group * n, y + group * n, width, pixels_, pixels_, &mean, &inv_std, 0, 0, scale + channel,
                   bias + channel, 1, 0});
    }
  });
}

// Sums of channels first, each as a column (of differences from its first value, see row_statistics); those of a group
// together give its statistics.
void GroupNormPlan::run_channels_last(const float* x, const float* scale, const float* bias, float* y,
                                      float* workspace) const noexcept {
  const int64_t width = channels_ / groups_, n = width * pixels_;
  float *mean = workspace, *inv_std = workspace + batch_ * channels_;
  // Sets all channels of each group to a statistic of the group, from the sum of their terms.
  auto for_groups = [&](float* values, auto term, auto statistic) {
    for (int64_t group = 0; group < batch_ * groups_; ++group) {
      double sum = 0;
      for (int64_t c = group * width; c < (group + 1) * width; ++c) sum += term(c);
      std::fill_n(values + group * width, width, static_cast<float>(statistic(sum)));
    }
  };
  float* first = inv_std;
  for (int64_t image = 0; image < batch_; ++image) {
    std::copy_n(x + image * pixels_ * channels_, channels_, first + image * channels_);
  }
  sums_.run(x, mean, first);
  for_groups(
      mean, [&](int64_t c) { return static_cast<double>(mean[c]) + static_cast<double>(first[c]) * pixels_; },
      [&](double sum) { return sum / static_cast<double>(n); });
  squares_.run(x, inv_std, mean);
  for_groups(
      inv_std, [&](int64_t c) { return static_cast<double>(inv_std[c]); },
      [&](double sum) { return inv_std_of(sum, n, epsilon_); });
  parallel_for(batch_ * pixels_, grain_of(channels_), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t image = begin / pixels_, rows = std::min(end, (image + 1) * pixels_) - begin;
      kernel_->fn({x + begin * channels_, y + begin * channels_, rows, channels_, channels_, mean + image * channels_,
                   inv_std + image * channels_, 0, 1, scale, bias, 0, 1});
      begin += rows;
    }
  });
}

LrnPlan::LrnPlan(const Lrn& lrn, int64_t outer, int64_t channels, int64_t inner, Isa isa)
    : kernel_(&choose_kernel(kLrnRows, isa)), lrn_(lrn), outer_(outer), channels_(channels), inner_(inner) {}

void LrnPlan::run(const float* x, float* y) const noexcept {
  kernel_->count_run();
  const int64_t before = (lrn_.size - 1) / 2, after = lrn_.size - 1 - before;
  LrnRow shared{};
  shared.channel = inner_;
  shared.alpha = static_cast<float>(lrn_.alpha / static_cast<double>(lrn_.size));
  shared.beta = static_cast<float>(lrn_.beta);
  shared.bias = static_cast<float>(lrn_.bias);
  parallel_for(outer_, grain_of(channels_ * inner_), [&](int64_t begin, int64_t end) {
    for (int64_t slice = begin; slice < end; ++slice) {
      for (int64_t c = 0; c < channels_;) {
        LrnRow row = shared;
        row.first = -std::min(before, c);
        row.last = std::min(after, channels_ - 1 - c);
        // Channels that lie side by side and have whole windows are one row.
        const bool whole = c >= before && c + after < channels_;
        const int64_t run = inner_ == 1 && whole ? channels_ - after - c : 1;
        const int64_t at = (slice * channels_ + c) * inner_;
        row.x = x + at;
        row.y = y + at;
        row.n = run * inner_;
        kernel_->fn(row);
        c += run;
      }
    }
  });
}

}  // namespace fastconv
