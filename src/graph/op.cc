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

// Indexed by AttributeType, and by Attribute::index().
constexpr const char* kTypeWords[] = {"an int", "a float", "a string", "a list of ints"};
constexpr const char* kValueWords[] = {"an int", "a float", "a string", "a list of ints", "a list of floats"};

bool has_type(const Attribute& value, AttributeType type) {
  switch (type) {
    case kInt:
      return std::holds_alternative<int64_t>(value);
    case kFloat:
      return std::holds_alternative<double>(value) || std::holds_alternative<int64_t>(value);
    case kString:
      return std::holds_alternative<std::string>(value);
    case kInts:
      return std::holds_alternative<std::vector<int64_t>>(value);
  }
  return false;
}

void check_count(const Node& node, const char* what, const Arity& arity, int64_t count) {
  if (count >= arity.least && count <= arity.most) return;
  const std::string rule =
      arity.least == arity.most ? std::to_string(arity.least) : concat(arity.least, " to ", arity.most);
  value_error(label_of(node), ": ", what, " must be ", rule, ", got ", count);
}

void check_attribute(const Node& node, const std::string& name, const Attribute& value) {
  std::string known;
  for (const AttributeDef& attribute : node.op->attributes) {
    if (name == attribute.name) {
      if (has_type(value, attribute.type)) return;
      value_error(label_of(node), ": attribute '", name, "' must be ", kTypeWords[attribute.type], ", got ",
                  kValueWords[value.index()]);
    }
    known += concat(known.empty() ? "" : ", ", attribute.name);
  }
  value_error(label_of(node), ": attribute '", name, "' is unknown; known: ", known.empty() ? "none" : known);
}

}  // namespace

void check_declaration(const Node& node, int output_count) {
  const Arity& inputs = node.op->inputs;
  check_count(node, "inputs", inputs, static_cast<int64_t>(node.inputs.size()));
  const size_t required = inputs.most == Arity::kAny ? node.inputs.size() : static_cast<size_t>(inputs.least);
  for (size_t i = 0; i < required; ++i) {
    if (node.inputs[i] == kNoValue) value_error(label_of(node), ": input ", i, " is required, got none");
  }
  check_count(node, "outputs", node.op->outputs, output_count);
  for (const auto& [name, value] : node.attributes) check_attribute(node, name, value);
}

AttributeDefs joined(AttributeDefs first, const AttributeDefs& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

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

int64_t InferContext::integer(int i) const {
  const std::vector<int64_t> values = ints(i);
  if (values.size() != 1) fail(concat("input ", i, " must have one element, got ", values.size()));
  return values[0];
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

// Graph::add let no attribute of another type in.
int64_t InferContext::get_int(const char* name, int64_t otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  return attribute ? std::get<int64_t>(*attribute) : otherwise;
}

int64_t InferContext::get_int(const char* name) const {
  if (!find_attribute(node_, name)) fail(concat("attribute ", name, " is required, got none"));
  return get_int(name, 0);
}

double InferContext::get_float(const char* name, double otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  if (!attribute) return otherwise;
  const auto* integer = std::get_if<int64_t>(attribute);
  return integer ? static_cast<double>(*integer) : std::get<double>(*attribute);
}

std::string InferContext::get_string(const char* name, const char* otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  return attribute ? std::get<std::string>(*attribute) : otherwise;
}

std::vector<int64_t> InferContext::get_ints(const char* name, std::vector<int64_t> otherwise) const {
  const Attribute* attribute = find_attribute(node_, name);
  return attribute ? std::get<std::vector<int64_t>>(*attribute) : otherwise;
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
