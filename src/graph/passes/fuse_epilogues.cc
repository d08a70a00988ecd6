// A layer (convolution or matrix product) takes in what follows it on its still-hot tiles: a bias, the addition of
// another branch, one activation, in this order: y = function(result + bias + residual). Only where nobody else reads
// the value between. A layer that waits for the other branch moves to where the addition was.
#include <optional>
#include <utility>

#include "graph/ops/ops.h"
#include "graph/ops/unary.h"
#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

constexpr size_t kBias = 2, kResidual = 3;  // positions among a layer's inputs

bool is_product(const Node& node) {
  return node.op == &op_matmul || node.op == &op_gemm;
}

bool has_input(const Node& node, size_t i) {
  return i < node.inputs.size() && node.inputs[i] != kNoValue;
}

void set_input(Node& node, size_t i, ValueId id) {
  if (node.inputs.size() <= i) node.inputs.resize(i + 1, kNoValue);
  node.inputs[i] = id;
}

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), uses_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.op == &op_add) {
        fuse_add(node);
      } else {
        fuse_function(node);
      }
    }
    remove_dead_nodes(graph_);
  }

 private:
  const Value& value(ValueId id) const { return graph_.values[id]; }

  // The layer whose result `id` is, if it may still take something in; null otherwise.
  Node* open_layer(ValueId id) {
    if (id == kNoValue || uses_.producer[id] < 0 || uses_.count[id] != 1) return nullptr;
    Node& node = graph_.nodes[uses_.producer[id]];
    const bool layer = node.op == &op_conv || node.op == &op_conv_transpose || is_product(node);
    return layer && node.function == FunctionCall{} ? &node : nullptr;
  }

  void fuse_function(Node& node) {
    if (node.inputs.empty() || node.outputs.size() != 1) return;
    Node* layer = open_layer(node.inputs[0]);
    if (!layer) return;
    const auto call = unary_function(InferContext(graph_, node));
    if (!call) return;
    layer->function = *call;
    layer->outputs = std::exchange(node.outputs, {});
    uses_.producer[layer->outputs[0]] = static_cast<int>(layer - graph_.nodes.data());
  }

  void fuse_add(Node& node) {
    // Of two layers, the one that runs last: the other's result is ready by then.
    const bool second_last = uses_.producer[node.inputs[1]] > uses_.producer[node.inputs[0]];
    for (const size_t i : {size_t{second_last}, size_t{!second_last}}) {
      Node* layer = open_layer(node.inputs[i]);
      if (!layer || value(node.inputs[i]).shape != value(node.outputs[0]).shape) continue;
      const auto at = position(*layer, node.inputs[1 - i], value(node.outputs[0]).shape);
      if (!at) continue;
      Node fused = std::move(*layer);
      layer->outputs.clear();
      set_input(fused, *at, node.inputs[1 - i]);
      if (*at == kResidual) fused.residual = static_cast<int>(kResidual);
      fused.outputs = node.outputs;
      node = std::move(fused);
      return;
    }
  }

  // Where a layer with results of `shape` can take in `other`; nothing where it cannot.
  std::optional<size_t> position(const Node& layer, ValueId other, const Shape& shape) const {
    if (layer.residual >= 0) return std::nullopt;
    if (is_product(layer) && !has_input(layer, kBias) && is_row(other, layer, shape)) return kBias;
    if (value(other).shape != shape || !bias_is_row(layer)) return std::nullopt;
    return kResidual;
  }

  bool is_row(ValueId id, const Node& layer, const Shape& shape) const {
    if (value(layer.inputs[1]).shape.size() < 2) return false;  // a vector: the result has no axis n
    const Shape& own = value(id).shape;
    return !own.empty() && own.size() <= shape.size() && own.back() == shape.back() && element_count(own) == own.back();
  }

  // gemm's addend may be a whole matrix, which takes the residual's place.
  bool bias_is_row(const Node& layer) const {
    if (layer.op != &op_gemm || !has_input(layer, kBias)) return true;
    const Shape& shape = value(layer.inputs[kBias]).shape;
    return shape.size() < 2 || shape[0] == 1;
  }

  Graph& graph_;
  Uses uses_;
};

}  // namespace

void fuse_epilogues(Graph& graph) {
  Fuser(graph).run();
}

}  // namespace fastconv::graph
