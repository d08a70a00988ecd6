// Operators that change only how a value is seen (views), and shape arithmetic's sources.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

// Writes bytes that were known when the plan was made.
class KnownStep final : public Step {
 public:
  explicit KnownStep(std::shared_ptr<Constant> value) : value_(std::move(value)) {}
  void run(const StepBuffers& buffers) const noexcept override {
    std::memcpy(buffers.outputs[0], value_->data.data(), static_cast<size_t>(value_->data.size()));
  }

 private:
  std::shared_ptr<Constant> value_;
};

std::unique_ptr<Step> known_int64(const std::vector<int64_t>& values) {
  return std::make_unique<KnownStep>(make_constant(DType::i64, {static_cast<int64_t>(values.size())}, values.data()));
}

void infer_identity(InferContext& c) {
  c.set_output(0, c.dtype(0), c.shape(0));
}

void infer_reshape(InferContext& c) {
  const Shape& in = c.shape(0);
  Shape out = c.ints(1);
  const bool zero_is_zero = c.get_int("allowzero", 0) != 0;
  int64_t free_axis = -1, rest = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !zero_is_zero) {
      if (i >= in.size())
        c.fail(concat("a 0 in shape must stand for an input axis, got axis ", i, " of ", to_string(in)));
      out[i] = in[i];
    }
    if (out[i] < -1) c.fail(concat("shape must be >= -1, got ", out[i]));
    if (out[i] == -1) {
      if (free_axis >= 0) c.fail("shape must hold at most one -1, got two");
      free_axis = static_cast<int64_t>(i);
    } else {
      rest = checked_mul(rest, out[i]);
    }
  }
  const int64_t count = element_count(in);
  if (free_axis >= 0) {
    if (rest == 0 ? count != 0 : count % rest != 0) {
      c.fail(concat("shape must hold ", count, " elements, got ", to_string(out), " for input ", to_string(in)));
    }
    out[free_axis] = rest == 0 ? 0 : count / rest;
  } else if (rest != count) {
    c.fail(concat("shape must hold ", count, " elements, got ", to_string(out), " for input ", to_string(in)));
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

std::vector<int64_t> sorted_axes(const InferContext& c, std::vector<int64_t> axes, int64_t rank) {
  for (int64_t& axis : axes) axis = c.axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) c.fail("axes must differ, got one twice");
  return axes;
}

void infer_squeeze(InferContext& c) {
  const Shape& in = c.shape(0);
  std::vector<int64_t> axes;
  if (c.has_input(1)) axes = sorted_axes(c, c.ints(1), static_cast<int64_t>(in.size()));
  Shape out;
  for (size_t i = 0; i < in.size(); ++i) {
    const bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (named && in[i] != 1) c.fail(concat("squeezed axes must be 1, got axis ", i, " of ", to_string(in)));
    if (!(named || (!c.has_input(1) && in[i] == 1))) out.push_back(in[i]);
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

void infer_unsqueeze(InferContext& c) {
  Shape out = c.shape(0);
  std::vector<int64_t> axes = c.ints(1);
  axes = sorted_axes(c, axes, static_cast<int64_t>(out.size() + axes.size()));
  for (int64_t axis : axes) out.insert(out.begin() + axis, 1);
  c.set_output(0, c.dtype(0), std::move(out));
}

void infer_flatten(InferContext& c) {
  const Shape& in = c.shape(0);
  const auto rank = static_cast<int64_t>(in.size());
  const int64_t wanted = c.get_int("axis", 1);
  const int64_t axis = wanted == rank ? rank : c.axis(wanted, rank);
  Shape out{1, 1};
  for (int64_t i = 0; i < rank; ++i) out[i < axis ? 0 : 1] = checked_mul(out[i < axis ? 0 : 1], in[i]);
  c.set_output(0, c.dtype(0), std::move(out));
}

Shape shape_range(const InferContext& c) {
  const Shape& in = c.shape(0);
  const auto rank = static_cast<int64_t>(in.size());
  auto clamped = [&](int64_t i) { return std::clamp(i < 0 ? i + rank : i, int64_t{0}, rank); };
  const int64_t begin = clamped(c.get_int("start", 0)), end = clamped(c.get_int("end", rank));
  return begin < end ? Shape(in.begin() + begin, in.begin() + end) : Shape{};
}

void infer_shape(InferContext& c) {
  c.set_output(0, DType::i64, {static_cast<int64_t>(shape_range(c).size())});
}
std::unique_ptr<Step> plan_shape(PlanContext& c) {
  return known_int64(shape_range(c));
}

void infer_size(InferContext& c) {
  c.set_output(0, DType::i64, {});
}
std::unique_ptr<Step> plan_size(PlanContext& c) {
  return known_int64({element_count(c.shape(0))});
}

// Stores `value` as `dtype` at element i.
void store(Constant& to, int64_t i, double value) {
  std::byte* p = to.data.fill() + i * size_of(to.dtype);
  auto put = [p](auto typed) { std::memcpy(p, &typed, sizeof typed); };
  switch (to.dtype) {
    case DType::f32:
      return put(static_cast<float>(value));
    case DType::f64:
      return put(value);
    case DType::i64:
      return put(static_cast<int64_t>(value));
    case DType::i32:
      return put(static_cast<int32_t>(value));
    case DType::u8:
      return put(static_cast<uint8_t>(value));
    case DType::i8:
      return put(static_cast<int8_t>(value));
    case DType::b8:
      return put(value != 0);
  }
}

void infer_constant_of_shape(InferContext& c) {
  c.set_output(0, parse_dtype(c.get_string("dtype", "float32")), c.ints(0));
}
std::unique_ptr<Step> plan_constant_of_shape(PlanContext& c) {
  auto filled = make_constant(c.output(0).dtype, c.output(0).shape, nullptr);
  const double value = c.get_float("value", 0);
  for (int64_t i = 0; i < element_count(filled->shape); ++i) store(*filled, i, value);
  return std::make_unique<KnownStep>(std::move(filled));
}

void infer_range(InferContext& c) {
  const double start = c.scalar(0), limit = c.scalar(1), delta = c.scalar(2);
  if (delta == 0) c.fail("delta must not be 0, got 0");
  const double count = std::max(std::ceil((limit - start) / delta), 0.0);
  if (!(count < 1e15)) c.fail(concat("range must be finite, got ", count, " elements"));
  c.set_output(0, c.dtype(0), {static_cast<int64_t>(count)});
}
std::unique_ptr<Step> plan_range(PlanContext& c) {
  auto filled = make_constant(c.output(0).dtype, c.output(0).shape, nullptr);
  const double start = c.scalar(0), delta = c.scalar(2);
  for (int64_t i = 0; i < filled->shape[0]; ++i) store(*filled, i, start + static_cast<double>(i) * delta);
  return std::make_unique<KnownStep>(std::move(filled));
}

}  // namespace

const OpDef op_identity{"identity", infer_identity, LayoutRule::follow, kView, nullptr};
const AttributeDefs kReshapeAttributes{{"allowzero", kInt}};
const OpDef op_reshape{"reshape", infer_reshape, LayoutRule::plain, kView | kValueInputs,
                       nullptr,   {2},           kReshapeAttributes};
const OpDef op_squeeze{"squeeze", infer_squeeze, LayoutRule::plain, kView | kValueInputs, nullptr, {1, 2}};
const OpDef op_unsqueeze{"unsqueeze", infer_unsqueeze, LayoutRule::plain, kView | kValueInputs, nullptr, {2}};
const OpDef op_flatten{"flatten", infer_flatten, LayoutRule::plain, kView, nullptr, {1}, {{"axis", kInt}}};
const AttributeDefs kShapeAttributes{{"start", kInt}, {"end", kInt}};
const OpDef op_shape{"shape", infer_shape, LayoutRule::plain, kShapeOnly, plan_shape, {1}, kShapeAttributes};
const OpDef op_size{"size", infer_size, LayoutRule::plain, kShapeOnly, plan_size};
const AttributeDefs kConstantOfShapeAttributes{{"dtype", kString}, {"value", kFloat}};
const OpDef op_constant_of_shape{
    "constant_of_shape",       infer_constant_of_shape, LayoutRule::plain, kNoFlags, plan_constant_of_shape, {1},
    kConstantOfShapeAttributes};
const OpDef op_range{"range", infer_range, LayoutRule::plain, kNoFlags, plan_range, {3}};

}  // namespace fastconv::graph
