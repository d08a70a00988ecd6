// Shape inference, node by node in running order, with the graph inputs' shapes known. Shape arithmetic is folded on
// the way, so that a reshape finds its shape.
#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

// No process can address more. Sizes below it are also far from wrapping when a few of them are added.
constexpr int64_t kMostBytes = int64_t{1} << 47;

}  // namespace

void infer_node(Graph& graph, const Node& node) {
  InferContext context(graph, node);
  named(node, [&] { node.op->infer(context); });
  if (node.outputs.size() > context.results.size()) {
    context.fail(concat("outputs must be <= ", context.results.size(), ", got ", node.outputs.size()));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    Value& value = graph.values[node.outputs[i]];
    value.dtype = context.results[i].dtype;
    value.shape = std::move(context.results[i].shape);
    // An error here, not later: nobody after this pass checks products of sizes.
    if (named(node, [&] { return byte_count(value.dtype, value.shape); }) > kMostBytes) {
      context.fail(
          concat("outputs must have at most 2^47 bytes, got ", dtype_name(value.dtype), " ", to_string(value.shape)));
    }
  }
}

void infer_shapes(Graph& graph) {
  std::erase_if(graph.nodes, [&](const Node& node) {
    infer_node(graph, node);
    return fold_node(graph, node);
  });
}

}  // namespace fastconv::graph
