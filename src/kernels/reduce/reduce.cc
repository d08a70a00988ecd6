// The reduce family's table, and how a pass is shared out: whole rows, or groups of columns; never the axis itself,
// so that no sum depends on the number of threads.
#include "kernels/reduce/reduce.h"

#include <algorithm>

#include "base/checks.h"
#include "base/threads.h"
#include "kernels/reduce/plain.h"

namespace fastconv {
namespace {

enum class ReduceKind { rows, columns };

struct ReduceKernel : Kernel<ReduceFn> {
  ReduceKind kind;
};

const ReduceKernel kRows[] = {
#define FASTCONV_REDUCE(kind, name, isa) {{#name, "reduce", Isa::isa, name}, ReduceKind::kind},
#include "kernels/reduce/kernels.inc"
#undef FASTCONV_REDUCE
};
const RegisterKernels registered(kRows);

const Kernel<ReduceFn>* choose(ReduceKind kind, Isa isa) {
  const ReduceKernel* best = nullptr;
  for (const ReduceKernel& row : kRows) {
    if (row.kind == kind && row.isa <= isa && (!best || row.isa > best->isa)) best = &row;
  }
  return best;
}

constexpr int64_t kGrain = 16 << 10;   // elements worth waking a thread for
constexpr int64_t kColumnGroup = 256;  // columns of one task

}  // namespace

ReduceKernels reduce_kernels(Isa isa) {
  return {choose(ReduceKind::rows, isa), choose(ReduceKind::columns, isa)};
}

ReducePass::ReducePass(Reducer reducer, DType dtype, int64_t outer, int64_t n, int64_t inner, Isa isa)
    : reducer_(reducer), outer_(outer), n_(n), inner_(inner) {
  if (dtype == DType::f32) {
    kernel_ = choose(inner == 1 ? ReduceKind::rows : ReduceKind::columns, isa);
  } else {
    plain_ = plain_reduce(reducer, dtype);
    if (!plain_) value_error("reduction: the type must be float32 for this one, got ", dtype_name(dtype));
  }
}

void ReducePass::run(const void* x, void* y, const float* shift) const noexcept {
  if (kernel_) {
    run_f32(static_cast<const float*>(x), static_cast<float*>(y), shift);
  } else {
    plain_(x, y, outer_, n_, inner_);
  }
}

void ReducePass::run_f32(const float* x, float* y, const float* shift) const noexcept {
  kernel_->count_run();
  auto shift_at = [shift](int64_t i) { return shift ? shift + i : nullptr; };
  if (inner_ == 1) {
    parallel_for(outer_, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n_)), [&](int64_t begin, int64_t end) {
      kernel_->fn({reducer_, x + begin * n_, shift_at(begin), y + begin, end - begin, n_, n_});
    });
    return;
  }
  const int64_t groups = ceil_div(inner_, kColumnGroup);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n_ * std::min(inner_, kColumnGroup)));
  parallel_for(outer_ * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t outer = item / groups, col = item % groups * kColumnGroup, out = outer * inner_ + col;
      kernel_->fn({reducer_, x + outer * n_ * inner_ + col, shift_at(out), y + out, n_,
                   std::min(kColumnGroup, inner_ - col), inner_});
    }
  });
}

}  // namespace fastconv
