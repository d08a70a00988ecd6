// Constant folding: a node whose result is known runs now, by its own step, and becomes a constant.
#include <algorithm>

#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

bool is_foldable(const Graph& graph, const Node& node) {
  if (node.op->flags & kShapeOnly) return true;
  // Layers keep their packed kernels for the run; what feeds them is not worth a second path here.
  if (node.op->layout == LayoutRule::channels_last) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return id == kNoValue || graph.values[id].constant; });
}

}  // namespace

bool fold_node(Graph& graph, const Node& node) {
  if (!is_foldable(graph, node)) return false;
  std::vector<std::shared_ptr<Constant>> results;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (ValueId id : node.outputs) {
    results.push_back(make_constant(graph.values[id].dtype, graph.values[id].shape, nullptr));
    outputs.push_back(results.back()->data.fill());
  }
  for (ValueId id : node.inputs) {
    const bool known = id != kNoValue && graph.values[id].constant;
    inputs.push_back(known ? graph.values[id].constant->data.data() : nullptr);
  }
  if (node.op->flags & kView) {
    std::copy_n(static_cast<const std::byte*>(inputs[0]), results[0]->data.size(), results[0]->data.fill());
  } else if (!makes_nothing(graph, node)) {
    inputs.resize(std::max(inputs.size(), kLeastInputs));
    PackCache cache;
    const PlanOptions options;
    PlanContext context(graph, node, options, cache);
    const std::unique_ptr<Step> step = named(node, [&] { return node.op->plan(context); });
    AlignedArray<std::byte> workspace(step->workspace_bytes());
    step->run({inputs.data(), outputs.data(), workspace.data()});
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) graph.values[node.outputs[i]].constant = std::move(results[i]);
  return true;
}

void fold_constants(Graph& graph) {
  std::erase_if(graph.nodes, [&](const Node& node) {
    // A known result here means known inputs: shapes of run-time values are not known yet.
    if ((node.op->flags & kShapeOnly) && !graph.values[node.inputs.at(0)].constant) return false;
    if (!is_foldable(graph, node)) return false;
    infer_node(graph, node);
    return fold_node(graph, node);
  });
}

}  // namespace fastconv::graph
