// Makes plans: the passes that need shapes, then a step for every node, then the memory plan.
#include <algorithm>
#include <atomic>
#include <set>

#include "graph/memory_plan.h"
#include "graph/passes/passes.h"
#include "graph/placement.h"
#include "graph/plan.h"

namespace fastconv::graph {
namespace {

std::unique_ptr<Step> make_step(const Graph& graph, const Node& node, const PlanOptions& options, PackCache& cache) {
  if ((node.op->flags & kView) || makes_nothing(graph, node)) return nullptr;
  PlanContext context(graph, node, options, cache);
  return named(node, [&] { return node.op->plan(context); });
}

constexpr const char* kFunctionNames[] = {
#define FASTCONV_FUNCTION(name) #name,
#include "kernels/elementwise/functions.inc"
#undef FASTCONV_FUNCTION
};

std::string epilogue_of(const Node& node) {
  std::string text = node.residual >= 0 ? "add" : "";
  if (node.function == FunctionCall{}) return text;
  if (!text.empty()) text += " ";
  return text + (node.function == kRelu ? "relu" : kFunctionNames[static_cast<int>(node.function.function)]);
}

int64_t value_bytes(const Graph& graph, const std::vector<ValueId>& ids) {
  int64_t bytes = 0;
  for (ValueId id : ids) {
    if (id != kNoValue) bytes += byte_count(graph.values[id].dtype, graph.values[id].shape);
  }
  return bytes;
}

}  // namespace

std::shared_ptr<const Plan> make_plan(Graph graph, const PlanOptions& options, PackCache& cache) {
  infer_shapes(graph);
  remove_dead_nodes(graph);
  fuse_epilogues(graph);
  assign_formats(graph, cache);
  place_views(graph);
  separate_outputs(graph);
  remove_dead_nodes(graph);
  place_parts(graph);

  std::vector<std::unique_ptr<Step>> steps;
  for (const Node& node : graph.nodes) steps.push_back(make_step(graph, node, options, cache));
  const MemoryPlan memory = plan_memory(graph, steps);

  static std::atomic<uint64_t> plan_count{0};
  auto plan = std::make_shared<Plan>();
  plan->id = ++plan_count;
  plan->arena_bytes = memory.arena_bytes;
  plan->unshared_bytes = memory.unshared_bytes;
  std::set<ConstantPtr> constants;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i]) continue;
    const Node& node = graph.nodes[i];
    const Value& first = graph.values[node.outputs[0]];
    const int64_t bytes = value_bytes(graph, node.inputs) + value_bytes(graph, node.outputs);
    plan->workspace_bytes = std::max(plan->workspace_bytes, steps[i]->workspace_bytes());
    plan->steps.push_back({std::move(steps[i]),
                           node.name,
                           node.op,
                           epilogue_of(node),
                           static_cast<int>(plan->operands.size()),
                           static_cast<int>(std::max(node.inputs.size(), kLeastInputs)),
                           memory.workspaces[i],
                           bytes,
                           {first.name, first.dtype, first.shape},
                           first.format});
    for (ValueId id : node.inputs) {
      plan->operands.push_back(id == kNoValue ? Location{} : memory.values[id]);
      if (id != kNoValue && graph.values[id].constant) constants.insert(graph.values[id].constant);
    }
    if (node.inputs.size() < kLeastInputs)
      plan->operands.resize(plan->operands.size() + kLeastInputs - node.inputs.size());
    for (ValueId id : node.outputs) plan->operands.push_back(memory.values[id]);
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value& value = graph.values[graph.outputs[i]];
    plan->outputs.push_back({graph.output_names[i], value.dtype, value.shape});
  }
  plan->constants.assign(constants.begin(), constants.end());
  for (const ConstantPtr& constant : plan->constants) plan->constants_bytes += constant->data.size();
  return plan;
}

}  // namespace fastconv::graph
