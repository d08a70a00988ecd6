#include "graph/pieces.h"

#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

constexpr int kUnread = -1;

PieceUse use_of(Graph& graph, const Node& node, const PlanOptions& options, PackCache& cache) {
  if (!node.op->pieces || makes_nothing(graph, node)) return {};
  PlanContext context(graph, node, options, cache);
  return named(node, [&] { return node.op->pieces(context); });
}

}  // namespace

// Who touches a value's memory reads the value: a graph's output, a concat or a view of which it is a part.
void choose_pieces(Graph& graph, const PlanOptions& options, PackCache& cache) {
  std::vector<int> wanted(graph.values.size(), kUnread);  // by value: the pieces that all who read it want
  const auto read = [&](ValueId id, int pieces) {
    if (id != kNoValue) wanted[id] = wanted[id] == kUnread || wanted[id] == pieces ? pieces : 0;
  };
  std::vector<const Node*> writers;
  for (Node& node : graph.nodes) {
    const PieceUse use = use_of(graph, node, options, cache);
    node.choice = use.choice;
    for (size_t i = 0; i < node.inputs.size(); ++i) read(node.inputs[i], i == 0 ? use.reads : 0);
    if (use.writes) writers.push_back(&node);
  }
  for (ValueId id : graph.outputs) read(id, 0);
  for (const Node* writer : writers) {
    const ValueId made = writer->outputs[0];
    if (wanted[made] > 0) graph.values[made].pieces = wanted[made];
  }
}

}  // namespace fastconv::graph
