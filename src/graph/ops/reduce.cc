// reduce_*: folds over any axes. Neighbouring reduced axes are one pass of the reduce family; separate ones are a pass
// each, innermost first.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/with_type.h"
#include "graph/ops/ops.h"
#include "kernels/reduce/reduce.h"

namespace fastconv::graph {
namespace {

// A reduction: the first pass, the passes over what that left, and what happens to the result.
enum class Finish { none, mean, sqrt, log };
struct Reduction {
  const char* name;
  Reducer first, rest;
  Finish finish = Finish::none;
  bool log_sum_exp = false;  // every pass is one: log(exp(a) + exp(b)) folds as a sum does
};
constexpr Reduction kReductions[] = {
    {"reduce_sum", Reducer::sum, Reducer::sum},
    {"reduce_mean", Reducer::sum, Reducer::sum, Finish::mean},
    {"reduce_max", Reducer::max, Reducer::max},
    {"reduce_min", Reducer::min, Reducer::min},
    {"reduce_prod", Reducer::prod, Reducer::prod},
    {"reduce_l1", Reducer::sum_abs, Reducer::sum},
    {"reduce_l2", Reducer::sum_square, Reducer::sum, Finish::sqrt},
    {"reduce_sum_square", Reducer::sum_square, Reducer::sum},
    {"reduce_log_sum", Reducer::sum, Reducer::sum, Finish::log},
    {"reduce_log_sum_exp", Reducer::sum_exp, Reducer::sum_exp, Finish::none, true},
};

const Reduction& reduction_of(const InferContext& c) {
  return *std::find_if(std::begin(kReductions), std::end(kReductions),
                       [&](const Reduction& r) { return c.node().op->name == std::string(r.name); });
}

bool takes_type(const Reduction& reduction, DType dtype) {
  if (dtype == DType::f32) return true;
  if (reduction.log_sum_exp || reduction.finish == Finish::sqrt || reduction.finish == Finish::log) return false;
  return size_of(dtype) > 1 || reduction.first == Reducer::max || reduction.first == Reducer::min;
}

// Which logical axes are reduced.
std::vector<bool> reduced_axes(const InferContext& c) {
  const size_t rank = c.shape(0).size();
  const std::vector<int64_t> axes = c.has_input(1) ? c.ints(1) : std::vector<int64_t>{};
  std::vector<bool> reduced(rank, axes.empty() && c.get_int("noop_with_empty_axes", 0) == 0);
  for (int64_t axis : axes) reduced[c.axis(axis, static_cast<int64_t>(rank))] = true;
  return reduced;
}

class ReduceStep final : public Step {
 public:
  struct Pass {
    ReducePass fold;
    std::optional<ReducePass> largest;  // before a pass of log_sum_exp
  };

  ReduceStep(std::vector<Pass> passes, DType dtype, Finish finish, int64_t count)
      : passes_(std::move(passes)), dtype_(dtype), finish_(finish), count_(count) {
    for (const Pass& pass : passes_) {
      slot_bytes_ = std::max(slot_bytes_, round_up(checked_mul(pass.fold.outputs(), size_of(dtype)), kAlignment));
    }
  }

  // Results of two passes, and the largest values and shifts of a third.
  int64_t workspace_bytes() const override {
    return slot_bytes_ * (passes_[0].largest ? 4 : passes_.size() > 1 ? 2 : 0);
  }

  void run(const StepBuffers& buffers) const noexcept override {
    auto* workspace = static_cast<std::byte*>(buffers.workspace);
    const void* from = buffers.inputs[0];
    for (size_t i = 0; i < passes_.size(); ++i) {
      void* to = i + 1 == passes_.size() ? buffers.outputs[0] : workspace + (i % 2) * slot_bytes_;
      if (passes_[i].largest) {
        log_sum_exp(passes_[i], from, static_cast<float*>(to), reinterpret_cast<float*>(workspace + 2 * slot_bytes_),
                    reinterpret_cast<float*>(workspace + 3 * slot_bytes_));
      } else {
        passes_[i].fold.run(from, to);
      }
      from = to;
    }
    finish(buffers.outputs[0], passes_.back().fold.outputs());
  }
  std::string describe() const override { return passes_[0].fold.kernel_name(); }

 private:
  static void log_sum_exp(const Pass& pass, const void* x, float* y, float* largest, float* shift) noexcept {
    pass.largest->run(x, largest);
    const int64_t count = pass.fold.outputs();
    for (int64_t i = 0; i < count; ++i) shift[i] = std::isfinite(largest[i]) ? largest[i] : 0.0f;
    pass.fold.run(x, y, shift);
    for (int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(shift[i] + std::log(static_cast<double>(y[i])));
  }

  void finish(void* y, int64_t outputs) const noexcept {
    if (finish_ == Finish::none) return;
    if (finish_ == Finish::mean) {
      with_type(dtype_, [&]<class T>() {
        T* values = static_cast<T*>(y);
        if (std::is_integral_v<T> && count_ == 0) return;
        using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
        for (int64_t i = 0; i < outputs; ++i) {
          values[i] = static_cast<T>(static_cast<Wide>(values[i]) / static_cast<Wide>(count_));
        }
      });
      return;
    }
    float* values = static_cast<float*>(y);
    for (int64_t i = 0; i < outputs; ++i)
      values[i] = finish_ == Finish::sqrt ? std::sqrt(values[i]) : std::log(values[i]);
  }

  std::vector<Pass> passes_;
  DType dtype_;
  Finish finish_;
  int64_t count_;  // elements that become one
  int64_t slot_bytes_ = 0;
};

void infer_reduce(InferContext& c) {
  const DType dtype = c.dtype(0);
  if (!takes_type(reduction_of(c), dtype)) {
    c.fail(concat("the type must be one the operator is defined for, got ", dtype_name(dtype)));
  }
  const std::vector<bool> reduced = reduced_axes(c);
  const bool keep = c.get_int("keepdims", 1) != 0;
  Shape out;
  for (size_t axis = 0; axis < reduced.size(); ++axis) {
    if (!reduced[axis]) {
      out.push_back(c.shape(0)[axis]);
    } else if (keep) {
      out.push_back(1);
    }
  }
  c.set_output(0, dtype, std::move(out));
}

// A run of neighbouring axes in memory that are all reduced, or all kept.
struct AxisRun {
  bool reduced;
  int64_t extent;
};

std::vector<AxisRun> axis_runs(const PlanContext& c) {
  const Value& x = c.input(0);
  const auto rank = static_cast<int64_t>(x.shape.size());
  const std::vector<bool> logical = reduced_axes(c);
  std::vector<bool> reduced(rank);
  for (int64_t axis = 0; axis < rank; ++axis) {
    reduced[PlanContext::physical_axis(axis, rank, x.format)] = logical[axis];
  }
  const Shape extents = PlanContext::physical_shape(x);
  std::vector<AxisRun> runs;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (extents[axis] == 1) continue;
    if (runs.empty() || runs.back().reduced != reduced[axis]) runs.push_back({reduced[axis], 1});
    runs.back().extent = checked_mul(runs.back().extent, extents[axis]);
  }
  return runs;
}

std::unique_ptr<Step> plan_reduce(PlanContext& c) {
  const Reduction& reduction = reduction_of(c);
  const DType dtype = c.dtype(0);
  const std::vector<AxisRun> runs = axis_runs(c);
  std::vector<ReduceStep::Pass> passes;
  int64_t inner = 1, count = 1;
  auto add_pass = [&](int64_t outer, int64_t n) {
    const Reducer reducer = passes.empty() ? reduction.first : reduction.rest;
    passes.push_back({ReducePass(reducer, dtype, outer, n, inner), {}});
    if (reduction.log_sum_exp) passes.back().largest.emplace(Reducer::max, dtype, outer, n, inner);
  };
  for (size_t i = runs.size(); i-- > 0;) {
    if (!runs[i].reduced) {
      inner *= runs[i].extent;
      continue;
    }
    int64_t outer = 1;
    for (size_t k = 0; k < i; ++k) outer *= runs[k].extent;
    add_pass(outer, runs[i].extent);
    count = checked_mul(count, runs[i].extent);
  }
  if (passes.empty()) add_pass(1, 1);  // one element each: what is left of |x|, x^2 ...
  return std::make_unique<ReduceStep>(std::move(passes), dtype, reduction.finish, count);
}

}  // namespace

#define FASTCONV_REDUCE_OP(name)            \
  const OpDef op_##name{#name,              \
                        infer_reduce,       \
                        LayoutRule::follow, \
                        kValueInputs,       \
                        plan_reduce,        \
                        {1, 2},             \
                        {{"keepdims", kInt}, {"noop_with_empty_axes", kInt}}};
FASTCONV_REDUCE_OP(reduce_sum)
FASTCONV_REDUCE_OP(reduce_mean)
FASTCONV_REDUCE_OP(reduce_max)
FASTCONV_REDUCE_OP(reduce_min)
FASTCONV_REDUCE_OP(reduce_prod)
FASTCONV_REDUCE_OP(reduce_l1)
FASTCONV_REDUCE_OP(reduce_l2)
FASTCONV_REDUCE_OP(reduce_sum_square)
FASTCONV_REDUCE_OP(reduce_log_sum)
FASTCONV_REDUCE_OP(reduce_log_sum_exp)
#undef FASTCONV_REDUCE_OP

}  // namespace fastconv::graph
