// Dead code: nodes none of whose outputs reaches a graph output.
#include <algorithm>

#include "graph/passes/passes.h"

namespace fastconv::graph {

Uses::Uses(const Graph& graph) : producer(graph.values.size(), -1), count(graph.values.size(), 0) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].outputs) producer[id] = static_cast<int>(i);
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) ++count[id];
    }
  }
  for (ValueId id : graph.outputs) ++count[id];
}

void remove_dead_nodes(Graph& graph) {
  std::vector<bool> needed(graph.values.size(), false);
  for (ValueId id : graph.outputs) needed[id] = true;
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) { return needed[id]; })) continue;
    for (ValueId id : node->inputs) {
      if (id != kNoValue) needed[id] = true;
    }
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (!needed[id]) graph.values[id].constant = nullptr;  // unpacked, unfolded weights: most of a model's bytes
  }
}

}  // namespace fastconv::graph
