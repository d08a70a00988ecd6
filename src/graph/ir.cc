// The graph builder. It checks what can be checked without shapes; the rest is found when a plan is made.
#include "graph/ir.h"

#include <cstring>

#include "graph/op.h"

namespace fastconv::graph {
namespace {

void check_shape(const std::string& what, const Shape& shape, bool dynamic_allowed) {
  for (int64_t extent : shape) {
    if (extent < (dynamic_allowed ? kDynamic : 0)) {
      value_error(what, ": extents must be >= 0", dynamic_allowed ? " or -1 (dynamic)" : "", ", got ", extent);
    }
  }
}

}  // namespace

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count = checked_mul(count, extent);
  return count;
}

std::string to_string(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + (shape[i] == kDynamic ? "?" : std::to_string(shape[i]));
  }
  return text + "]";
}

DType parse_dtype(const std::string& name) {
  for (DType type : {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8, DType::i8, DType::b8}) {
    if (name == dtype_name(type)) return type;
  }
  value_error("dtype: must be one of float32, float64, int64, int32, uint8, int8, bool, got '", name, "'");
}

std::shared_ptr<Constant> make_constant(DType dtype, Shape shape, const void* data) {
  const int64_t bytes = byte_count(dtype, shape);
  auto constant = std::make_shared<Constant>(Constant{dtype, std::move(shape), Format::plain, ConstantBytes(bytes)});
  if (data && bytes > 0) std::memcpy(constant->data.fill(), data, static_cast<size_t>(bytes));
  return constant;
}

std::shared_ptr<Constant> make_constant(DType dtype, Shape shape, ConstantBytes data) {
  return std::make_shared<Constant>(Constant{dtype, std::move(shape), Format::plain, std::move(data)});
}

ValueId Graph::new_value(Value value) {
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_input(const std::string& name, DType dtype, Shape shape) {
  check_shape("input '" + name + "'", shape, true);
  for (ValueId id : inputs) {
    if (values[id].name == name) value_error("input: names must differ, got '", name, "' twice");
  }
  const ValueId id = new_value({name, dtype, std::move(shape)});
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_constant(DType dtype, Shape shape, const void* data, const std::string& name) {
  check_shape("constant '" + name + "'", shape, false);
  check_shape("constant '" + name + "'", shape, false);
  return add_constant(make_constant(dtype, std::move(shape), data), name);
}

ValueId Graph::add_constant(ConstantPtr constant, const std::string& name) {
  check_shape("constant '" + name + "'", constant->shape, false);
  return new_value({name, constant->dtype, constant->shape, Format::plain, std::move(constant)});
}

std::vector<ValueId> Graph::add(const std::string& op, std::vector<ValueId> inputs, Attributes attributes,
                                int output_count, const std::string& name) {
  const OpDef* def = find_op(op);
  if (!def) value_error("add: op must be one of the vocabulary, got '", op, "'");
  Node node{
      def, name.empty() ? op + "_" + std::to_string(nodes.size()) : name, std::move(inputs), {}, std::move(attributes)};
  for (ValueId id : node.inputs) {
    if (id != kNoValue && (id < 0 || id >= static_cast<ValueId>(values.size()))) {
      value_error(label_of(node), ": inputs must be values of this graph, got id ", id);
    }
  }
  check_declaration(node, output_count);
  for (int i = 0; i < output_count; ++i) {
    node.outputs.push_back(new_value({i == 0 ? node.name : node.name + ":" + std::to_string(i)}));
  }
  nodes.push_back(std::move(node));
  return nodes.back().outputs;
}

void Graph::add_output(ValueId value, const std::string& name) {
  if (value < 0 || value >= static_cast<ValueId>(values.size())) {
    value_error("output '", name, "': must be a value of this graph, got id ", value);
  }
  for (const std::string& other : output_names) {
    if (other == name) value_error("output: names must differ, got '", name, "' twice");
  }
  outputs.push_back(value);
  output_names.push_back(name);
}

}  // namespace fastconv::graph
