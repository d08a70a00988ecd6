// The passes, in the order they run. The first group needs no input shapes and runs once, when a Network is made, so
// that its results (folded weights) are shared by all plans; the second runs for each plan, on concrete shapes.
#pragma once

#include <algorithm>

#include "graph/ir.h"
#include "graph/op.h"
#include "graph/pack_cache.h"

namespace fastconv::graph {

// Once per Network:
void fold_constants(Graph& graph);     // nodes whose inputs are all known become constants
void remove_identities(Graph& graph);  // readers of an identity read its input
void name_activations(Graph& graph);   // x * sigmoid(x) and the like become the operator they spell
void fold_pads(Graph& graph);          // zeros put around a convolution's input become its padding
void fold_scales(Graph& graph);        // batch norms and known scales and shifts become part of the layer before them

// Once per plan:
void infer_shapes(Graph& graph);    // fills dtypes and shapes; folds what becomes known on the way (shape arithmetic)
void fuse_epilogues(Graph& graph);  // layers take in the bias, residual and function that follow them
void assign_formats(Graph& graph, PackCache& cache);  // chooses memory formats and inserts conversions

// Whenever values may have lost their last use; a node without outputs is dead. Constants nobody reads are let go.
void remove_dead_nodes(Graph& graph);

// One node's dtypes and shapes; its inputs' must be known. Errors name the node.
void infer_node(Graph& graph, const Node& node);

// Calls fn; a ValueError or TypeError from below is thrown on with the node's name in front.
template <class Fn>
auto named(const Node& node, const Fn& fn) {
  const auto told = [&](const std::exception& error) {
    const std::string label = label_of(node), what = error.what();
    return what.starts_with(label) ? what : label + ": " + what;
  };
  try {
    return fn();
  } catch (const ValueError& error) {
    throw NodeError(told(error));
  } catch (const TypeError& error) {
    throw TypeError(told(error));
  }
}

// Runs a node whose result is known (all inputs constant, or only shapes matter) and makes its outputs constants.
// False where the node must wait for a run.
bool fold_node(Graph& graph, const Node& node);

// Whether all outputs are empty: neither kernels nor steps need to know about empty tensors.
inline bool makes_nothing(const Graph& graph, const Node& node) {
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId id) { return element_count(graph.values[id].shape) == 0; });
}

// Who makes and who reads each value, for passes that rewrite.
struct Uses {
  explicit Uses(const Graph& graph);
  std::vector<int> producer;  // index of the node that makes the value, -1 for inputs and constants
  std::vector<int> count;     // reads of the value; a graph output is a read
};

}  // namespace fastconv::graph
