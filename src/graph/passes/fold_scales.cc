// y = layer(x) * scale + shift, per channel and known, is the layer with other weights and bias: batch norms behind
// convolutions, and the multiplications and additions that exporters make of them. Sums in float64, rounded once.
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "graph/passes/match.h"

namespace fastconv::graph {
namespace {

// What a layer's result is multiplied by, and what is added: one number a channel.
struct Scale {
  std::vector<double> scale, shift;
};

// A layer whose weights are known.
struct Layer {
  int64_t channels;
  size_t rank;                                 // of its result
  int64_t run;                                 // so many weights in a row belong to one channel
  std::function<int64_t(int64_t)> channel_of;  // of a run
};

const Constant* floats(const Graph& graph, const Node& node, size_t i) {
  if (i >= node.inputs.size() || node.inputs[i] == kNoValue) return nullptr;
  const Constant* constant = graph.values[node.inputs[i]].constant.get();
  return constant && constant->dtype == DType::f32 ? constant : nullptr;
}

const float* data_of(const Constant& constant) {
  return reinterpret_cast<const float*>(constant.data.data());
}

// Nothing where the node is no layer, its weights are not known, or (inference will say so) do not fit.
std::optional<Layer> layer_of(const Graph& graph, const Node& node) {
  const Constant* weights = floats(graph, node, 1);
  if (!weights || element_count(weights->shape) == 0) return std::nullopt;
  const Shape& shape = weights->shape;
  const int64_t count = element_count(shape);
  if (node.op == &op_conv && shape.size() >= 3) {
    const int64_t each = count / shape[0];
    return Layer{shape[0], shape.size(), each, [](int64_t i) { return i; }};
  }
  if (node.op == &op_conv_transpose && shape.size() >= 3) {
    const int64_t groups = attribute<int64_t>(node, "groups", 1).value_or(0), c = shape[0], k = shape[1];
    if (groups < 1 || c % groups != 0) return std::nullopt;
    const int64_t each = count / (c * k), c_group = c / groups;
    return Layer{checked_mul(k, groups), shape.size(), each, [=](int64_t i) { return i / k / c_group * k + i % k; }};
  }
  if (node.op == &op_gemm && shape.size() == 2) {
    if (node.inputs.size() > 2 && attribute<double>(node, "beta", 1) != 1) return std::nullopt;
    const bool transposed = attribute<int64_t>(node, "trans_b", 0) != int64_t{0};
    const int64_t k = shape[transposed ? 1 : 0], n = shape[transposed ? 0 : 1];
    return Layer{n, 2, transposed ? k : 1, [=](int64_t i) { return i % n; }};
  }
  return std::nullopt;
}

// A constant that broadcasts along all axes of the layer's result but the channels', one number a channel.
std::optional<std::vector<double>> per_channel(const Constant* constant, const Layer& layer) {
  if (!constant || constant->shape.size() > layer.rank) return std::nullopt;
  const size_t first = layer.rank - constant->shape.size();
  for (size_t axis = 0; axis < constant->shape.size(); ++axis) {
    const bool fits = constant->shape[axis] == 1 || (axis + first == 1 && constant->shape[axis] == layer.channels);
    if (!fits) return std::nullopt;
  }
  const float* values = data_of(*constant);
  std::vector<double> all(static_cast<size_t>(layer.channels), values[0]);
  if (element_count(constant->shape) == layer.channels) all.assign(values, values + layer.channels);
  return all;
}

std::optional<Scale> batch_norm_scale(const Graph& graph, const Node& node, const Layer& layer) {
  const Constant* parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    parameters[i] = floats(graph, node, i + 1);
    if (!parameters[i] || parameters[i]->shape != Shape{layer.channels}) return std::nullopt;
  }
  const auto epsilon = attribute<double>(node, "epsilon", 1e-5);
  if (!epsilon) return std::nullopt;
  Scale s;
  for (int64_t c = 0; c < layer.channels; ++c) {
    const auto value = [&](int i) { return static_cast<double>(data_of(*parameters[i])[c]); };
    const double scale = value(0) / std::sqrt(value(3) + *epsilon);
    s.scale.push_back(scale);
    s.shift.push_back(value(1) - value(2) * scale);
  }
  return s;
}

// What `node` does to input `i`, which is the layer's result.
std::optional<Scale> scale_of(const Graph& graph, const Node& node, size_t i, const Layer& layer) {
  if (node.op == &op_batch_norm) return i == 0 ? batch_norm_scale(graph, node, layer) : std::nullopt;
  const bool add = node.op == &op_add, sub = node.op == &op_sub, mul = node.op == &op_mul, div = node.op == &op_div;
  if (!add && !sub && !mul && !(div && i == 0)) return std::nullopt;
  auto values = per_channel(floats(graph, node, 1 - i), layer);
  if (!values) return std::nullopt;
  Scale s;
  if (mul || div) {
    for (double& value : *values) value = div ? 1 / value : value;
    s.scale = std::move(*values);
    s.shift.assign(s.scale.size(), 0.0);
  } else {
    for (double& value : *values) value = sub && i == 0 ? -value : value;
    s.shift = std::move(*values);
    s.scale.assign(s.shift.size(), sub && i == 1 ? -1.0 : 1.0);
  }
  return s;
}

// Whether all products are finite. Without a branch in the loop, so that the compiler vectorises it.
bool all_finite(const float* from, int64_t count, double scale) {
  int infinite = 0;
  for (int64_t i = 0; i < count; ++i) {
    infinite |= !(std::fabs(static_cast<float>(from[i] * scale)) <= std::numeric_limits<float>::max());
  }
  return infinite == 0;
}

// False where the layer's bias is not known, or a product would not be finite. alone: nobody else reads the weights.
bool apply(Graph& graph, Node& node, const Layer& layer, const Scale& s, bool alone) {
  std::vector<double> old_bias(static_cast<size_t>(layer.channels), 0.0);
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const auto known = per_channel(floats(graph, node, 2), {layer.channels, 2, 1, {}});
    if (!known) return false;
    old_bias = *known;
  }
  const auto bias = make_constant(DType::f32, {layer.channels}, nullptr);
  for (size_t c = 0; c < s.scale.size(); ++c) {
    const auto value = static_cast<float>(old_bias[c] * s.scale[c] + s.shift[c]);
    if (!std::isfinite(value)) return false;
    reinterpret_cast<float*>(bias->data.fill())[c] = value;
  }
  const ConstantPtr old = graph.values[node.inputs[1]].constant;
  const int64_t runs = element_count(old->shape) / layer.run;
  const auto scale_of_run = [&](int64_t run) { return s.scale[static_cast<size_t>(layer.channel_of(run))]; };
  for (int64_t run = 0; run < runs; ++run) {
    if (!all_finite(data_of(*old) + run * layer.run, layer.run, scale_of_run(run))) return false;
  }
  // In place where nobody else reads them: most of a model's bytes.
  const bool in_place = alone && old->data.only_here();
  const ConstantPtr weights = in_place ? old : make_constant(DType::f32, old->shape, nullptr);
  const float* from = data_of(*old);
  float* to = reinterpret_cast<float*>(weights->data.fill());
  for (int64_t run = 0; run < runs; ++run) {
    const double scale = scale_of_run(run);
    for (int64_t i = run * layer.run; i < (run + 1) * layer.run; ++i) to[i] = static_cast<float>(from[i] * scale);
  }
  const auto add = [&](const ConstantPtr& constant) {
    Value value{node.name, DType::f32, constant->shape};
    value.constant = constant;
    return graph.new_value(std::move(value));
  };
  node.inputs.resize(3, kNoValue);
  if (!in_place) node.inputs[1] = add(weights);
  node.inputs[2] = add(bias);
  return true;
}

}  // namespace

void fold_scales(Graph& graph) {
  Uses uses(graph);
  const auto fold = [&](Node& node, size_t i) {
    const ValueId id = node.inputs[i];
    if (id == kNoValue || uses.producer[id] < 0 || uses.count[id] != 1 || node.outputs.size() != 1) return false;
    Node& before = graph.nodes[uses.producer[id]];
    const auto layer = layer_of(graph, before);
    const auto scale = layer ? scale_of(graph, node, i, *layer) : std::nullopt;
    if (!scale) return false;
    const auto weights = static_cast<size_t>(before.inputs[1]);
    const bool alone = weights < uses.count.size() && uses.count[weights] == 1;
    if (!apply(graph, before, *layer, *scale, alone)) return false;
    before.outputs = std::exchange(node.outputs, {});  // nobody reads what `node` was: it is dead
    uses.producer[before.outputs[0]] = uses.producer[id];
    return true;
  };
  for (Node& node : graph.nodes) {
    for (size_t i = 0; i < std::min<size_t>(node.inputs.size(), 2); ++i) {
      if (fold(node, i)) break;
    }
  }
  remove_dead_nodes(graph);
}

}  // namespace fastconv::graph
