#include "graph/pieces.h"

#include <algorithm>

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

void choose_pieces(Graph& graph, const PlanOptions& options, PackCache& cache) {
  std::vector<int> wanted(graph.values.size(), kUnread);  // by value: the pieces that all who read it want
  const auto read = [&](ValueId id, int pieces) {
    if (id != kNoValue) wanted[id] = wanted[id] == kUnread || wanted[id] == pieces ? pieces : 0;
  };
  std::vector<const Node*> writers;
  for (const Node& node : graph.nodes) {
    const PieceUse use = use_of(graph, node, options, cache);
    for (size_t i = 0; i < node.inputs.size(); ++i) read(node.inputs[i], i == 0 ? use.reads : 0);
    if (use.writes) writers.push_back(&node);
  }
  for (ValueId id : graph.outputs) read(id, 0);
  for (const Node* writer : writers) {
    Value& value = graph.values[writer->outputs[0]];
    const bool own = value.placement.whole == kNoValue;  // memory; else others read what it lies in
    if (own && wanted[writer->outputs[0]] > 0) value.pieces = wanted[writer->outputs[0]];
  }
}

}  // namespace fastconv::graph
