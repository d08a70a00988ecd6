// Identities: readers of one read its input instead, so that later passes see neighbours as neighbours.
#include <numeric>

#include "graph/ops/ops.h"
#include "graph/passes/passes.h"

namespace fastconv::graph {

void remove_identities(Graph& graph) {
  std::vector<ValueId> stands_for(graph.values.size());
  std::iota(stands_for.begin(), stands_for.end(), ValueId{0});
  std::erase_if(graph.nodes, [&](Node& node) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue) id = stands_for[id];
    }
    if (node.op != &op_identity || node.inputs.size() != 1 || node.outputs.size() != 1) return false;
    stands_for[node.outputs[0]] = node.inputs[0];
    return true;
  });
  for (ValueId& id : graph.outputs) id = stands_for[id];
}

}  // namespace fastconv::graph
