// Zeros that a model puts around a convolution's input in a step of their own become the convolution's padding.
#include <algorithm>

#include "graph/passes/match.h"

namespace fastconv::graph {
namespace {

// One number for each spatial axis; empty where there are more or fewer.
std::vector<int64_t> per_axis(const Node& node, const char* name, size_t axes) {
  auto values = attribute<std::vector<int64_t>>(node, name, {}).value_or(std::vector<int64_t>(axes + 1));
  if (values.empty()) values.resize(axes, 0);
  if (values.size() != axes) values.clear();
  return values;
}

bool is_text(const Node& node, const char* name, const char* expected) {
  return attribute<std::string>(node, name, expected) == expected;
}

// What a pad adds to each of `rank` axes, begins then ends; empty where it is not known, not zeros, or touches the
// batch or the channels.
std::vector<int64_t> spatial_zeros(const Graph& graph, const Matcher& match, const Node& pad, size_t rank) {
  const auto given = [&](size_t i) { return i < pad.inputs.size() && pad.inputs[i] != kNoValue; };
  if (!is_text(pad, "mode", "constant") || !given(1) || given(3)) return {};
  if (given(2) && match.number(pad.inputs[2]) != 0.0) return {};
  const Constant* constant = graph.values[pad.inputs[1]].constant.get();
  if (!constant || constant->dtype != DType::i64 || element_count(constant->shape) != static_cast<int64_t>(2 * rank)) {
    return {};
  }
  const auto* pads = reinterpret_cast<const int64_t*>(constant->data.data());
  std::vector<int64_t> all(pads, pads + 2 * rank);
  const bool spatial = all[0] == 0 && all[1] == 0 && all[rank] == 0 && all[rank + 1] == 0;
  if (!spatial || std::any_of(all.begin(), all.end(), [](int64_t p) { return p < 0; })) return {};
  return all;
}

}  // namespace

void fold_pads(Graph& graph) {
  const Matcher match(graph);
  for (Node& node : graph.nodes) {
    if (node.op != &op_conv || node.inputs.size() < 2 || node.inputs[1] == kNoValue) continue;
    const Node* pad = match.made_by(node.inputs[0], op_pad);
    const size_t rank = graph.values[node.inputs[1]].shape.size();
    if (!pad || rank < 3 || !is_text(node, "auto_pad", "explicit")) continue;
    const std::vector<int64_t> zeros = spatial_zeros(graph, match, *pad, rank);
    auto begin = per_axis(node, "pads_begin", rank - 2), end = per_axis(node, "pads_end", rank - 2);
    if (zeros.empty() || begin.empty() || end.empty()) continue;
    for (size_t i = 0; i < rank - 2; ++i) {
      begin[i] = checked_add(begin[i], zeros[i + 2]);
      end[i] = checked_add(end[i], zeros[rank + i + 2]);
    }
    node.attributes["pads_begin"] = std::move(begin);
    node.attributes["pads_end"] = std::move(end);
    node.inputs[0] = pad->inputs[0];
  }
}

}  // namespace fastconv::graph
