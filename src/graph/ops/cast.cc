// cast: every type to every other, as NumPy does it (floats truncate towards zero; bool is "not zero").
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/threads.h"
#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

template <class From, class To>
To converted(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // What no int64 can hold becomes the lowest one, as x86 and NumPy have it; narrower types wrap.
    constexpr From kLimit = static_cast<From>(9223372036854775808.0);
    const bool fits = value >= -kLimit && value < kLimit;
    return static_cast<To>(fits ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min());
  } else {
    return static_cast<To>(value);
  }
}

using CastFn = void(const void* from, void* to, int64_t count);

template <class From, class To>
void cast_values(const void* from, void* to, int64_t count) {
  const From* x = static_cast<const From*>(from);
  To* y = static_cast<To*>(to);
  parallel_for(count, 1 << 15, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = converted<From, To>(x[i]);
  });
}

template <class From>
CastFn* cast_to(DType to) {
  switch (to) {
    case DType::f32:
      return cast_values<From, float>;
    case DType::f64:
      return cast_values<From, double>;
    case DType::i64:
      return cast_values<From, int64_t>;
    case DType::i32:
      return cast_values<From, int32_t>;
    case DType::u8:
      return cast_values<From, uint8_t>;
    case DType::i8:
      return cast_values<From, int8_t>;
    case DType::b8:
      return cast_values<From, bool>;
  }
  return nullptr;
}

CastFn* cast_between(DType from, DType to) {
  switch (from) {
    case DType::f32:
      return cast_to<float>(to);
    case DType::f64:
      return cast_to<double>(to);
    case DType::i64:
      return cast_to<int64_t>(to);
    case DType::i32:
      return cast_to<int32_t>(to);
    case DType::u8:
      return cast_to<uint8_t>(to);
    case DType::i8:
      return cast_to<int8_t>(to);
    case DType::b8:
      return cast_to<bool>(to);
  }
  return nullptr;
}

class CastStep final : public Step {
 public:
  CastStep(CastFn* fn, int64_t count) : fn_(fn), count_(count) {}
  void run(const StepBuffers& buffers) const noexcept override { fn_(buffers.inputs[0], buffers.outputs[0], count_); }

 private:
  CastFn* fn_;
  int64_t count_;
};

void infer_cast(InferContext& c) {
  const std::string to = c.get_string("to", "");
  if (to.empty()) c.fail("attribute to is required, got none");
  c.set_output(0, parse_dtype(to), c.shape(0));
}

std::unique_ptr<Step> plan_cast(PlanContext& c) {
  return std::make_unique<CastStep>(cast_between(c.dtype(0), c.output(0).dtype), element_count(c.shape(0)));
}

}  // namespace

const OpDef op_cast{"cast", infer_cast, LayoutRule::follow, kNoFlags, plan_cast, {1}, {{"to", kString}}};

}  // namespace fastconv::graph
