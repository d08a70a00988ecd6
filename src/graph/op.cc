// The table of operators (ops/ops.inc) and what they see of a node.
#include "graph/op.h"

#include <cstring>
#include <unordered_map>

#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

const Attribute* find_attribute(const Node& node, const char* name) {
  const auto it = node.attributes.find(name);
  return it == node.attributes.end() ? nullptr : &it->second;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& from) {
  return {from.begin(), from.end()};
}

}  // namespace

std::vector<const OpDef*> all_ops() {
  return {
#define FASTCONV_OP(name) &op_##name,
#include "graph/ops/ops.inc"
#undef FASTCONV_OP
  };
}

const OpDef* find_op(const std::string& name) {
  static const auto table = [] {
    std::unordered_map<std::string, const OpDef*> by_name;
    for (const OpDef* op : all_ops()) by_name[op->name] = op;
    return by_name;
  }();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

void InferContext::fail(const std::string& message) const {
  throw NodeError(concat(label(), ": ", message));
}

const Value& InferContext::input(int i) const {
  if (!has_input(i)) fail(concat("input ", i, " is required, got none"));
  return graph_.values[node_.inputs[i]];
}

const Constant* InferContext::constant(int i) const {
  return has_input(i) ? graph_.values[node_.inputs[i]].constant.get() : nullptr;
}

const Constant& InferContext::known(int i) const {
  const Constant* known = input(i).constant.get();
  if (!known) {
    throw NeedsValue{node_.inputs[i], concat(label(), ": input ", i, " must be known while planning")};
  }
  return *known;
}

std::vector<int64_t> InferContext::ints(int i) const {
  const Constant& values = known(i);
  if (values.shape.size() > 1) fail(concat("input ", i, " must have rank <= 1, got ", to_string(values.shape)));
  const int64_t count = element_count(values.shape);
  if (values.dtype == DType::i64) {
    const auto* data = reinterpret_cast<const int64_t*>(values.data.data());
    return {data, data + count};
  }
  if (values.dtype == DType::i32) {
    const auto* data = reinterpret_cast<const int32_t*>(values.data.data());
    return {data, data + count};
  }
  fail(concat("input ", i, " must be int64 or int32, got ", dtype_name(values.dtype)));
}

double InferContext::scalar(int i) const {
  const Constant& value = known(i);
  if (element_count(value.shape) != 1) {
    fail(concat("input ", i, " must have one element, got ", to_string(value.shape)));
  }
  const std::byte* data = value.data.data();
  switch (value.dtype) {
    case DType::f32:
      return *reinterpret_cast<const float*>(data);
    case DType::f64:
      return *reinterpret_cast<const double*>(data);
    case DType::i64:
      return static_cast<double>(*reinterpret_cast<const int64_t*>(data));
    case DType::i32:
      return *reinterpret_cast<const int32_t*>(data);
    case DType::u8:
      return *reinterpret_cast<const uint8_t*>(data);
    case DType::i8:
      return *reinterpret_cast<const int8_t*>(data);
    case DType::b8:
      return *reinterpret_cast<const bool*>(data);
  }
  return 0;
}

int64_t InferContext::get_int(const char* name, int64_t otherwise) const {
  return find_attribute(node_, name) ? get_int(name) : otherwise;
}

int64_t InferContext::get_int(const char* name) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) fail(concat("attribute ", name, " is required, got none"));
  if (const auto* value = std::get_if<int64_t>(attribute)) return *value;
  fail(concat("attribute ", name, " must be an int"));
}

double InferContext::get_float(const char* name, double otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) return otherwise;
  if (const auto* value = std::get_if<double>(attribute)) return *value;
  if (const auto* value = std::get_if<int64_t>(attribute)) return static_cast<double>(*value);
  fail(concat("attribute ", name, " must be a float"));
}

std::string InferContext::get_string(const char* name, const char* otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) return otherwise;
  if (const auto* value = std::get_if<std::string>(attribute)) return *value;
  fail(concat("attribute ", name, " must be a string"));
}

std::vector<int64_t> InferContext::get_ints(const char* name, std::vector<int64_t> otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) return otherwise;
  if (const auto* values = std::get_if<std::vector<int64_t>>(attribute)) return *values;
  fail(concat("attribute ", name, " must be a list of ints"));
}

std::vector<double> InferContext::get_floats(const char* name, std::vector<double> otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) return otherwise;
  if (const auto* values = std::get_if<std::vector<double>>(attribute)) return *values;
  if (const auto* values = std::get_if<std::vector<int64_t>>(attribute)) return converted<double>(*values);
  fail(concat("attribute ", name, " must be a list of floats"));
}

int64_t InferContext::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    fail(concat("axis must be in [", -rank, ", ", rank - 1, "] for rank ", rank, ", got ", axis));
  }
  return axis < 0 ? axis + rank : axis;
}

void InferContext::set_output(int i, DType dtype, Shape shape) {
  for (int64_t extent : shape) {
    if (extent < 0) fail(concat("output extents must be >= 0, got ", to_string(shape)));
  }
  if (static_cast<int>(results.size()) <= i) results.resize(i + 1);
  results[i].dtype = dtype;
  results[i].shape = std::move(shape);
}

Shape PlanContext::physical_shape(const Value& value) {
  Shape shape = value.shape;
  if (value.format == Format::channels_last && shape.size() >= 3) {
    shape.erase(shape.begin() + 1);
    shape.push_back(value.shape[1]);
  }
  return shape;
}

int64_t PlanContext::physical_axis(int64_t axis, int64_t rank, Format format) {
  if (format == Format::plain || rank < 3 || axis == 0) return axis;
  return axis == 1 ? rank - 1 : axis - 1;
}

}  // namespace fastconv::graph
