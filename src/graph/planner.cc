// Makes plans: the passes that need shapes, then a step for every node, then the memory plan.
#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <set>

#include "base/cpu.h"
#include "base/threads.h"
#include "base/verbose.h"
#include "graph/images.h"
#include "graph/memory_plan.h"
#include "graph/ops/move.h"
#include "graph/passes/passes.h"
#include "graph/pieces.h"
#include "graph/placement.h"
#include "graph/plan.h"

namespace fastconv::graph {
namespace {

// Makes the steps of a graph, and lets go of every constant as soon as all that read it hold it in packed form.
class StepMaker {
 public:
  // `readers`: how many nodes of the network's graph read each constant. All of them count, whether this plan has them
  // or not: another may.
  StepMaker(const Graph& graph, const PlanOptions& options, PackCache& cache, std::map<const Constant*, int> readers)
      : graph_(graph), options_(options), cache_(cache), readers_(std::move(readers)) {}

  // Where it can be, memory is let go before more is taken: the largest constants come first.
  std::vector<std::unique_ptr<Step>> run() {
    std::vector<size_t> order(graph_.nodes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return known(a) > known(b); });
    std::vector<std::unique_ptr<Step>> steps(order.size());
    packed_.resize(order.size());
    for (const size_t i : order) steps[i] = make(i);
    return steps;
  }

  // Whether node i's step holds the value in packed form and does not read it.
  bool holds(size_t i, const Value& value) const {
    return std::find(packed_[i].begin(), packed_[i].end(), value.constant.get()) != packed_[i].end();
  }

 private:
  // Bytes of a node's largest constant.
  int64_t known(size_t i) const {
    int64_t bytes = 0;
    for (ValueId id : graph_.nodes[i].inputs) {
      if (id == kNoValue || !graph_.values[id].constant) continue;
      bytes = std::max(bytes, byte_count(graph_.values[id].dtype, graph_.values[id].shape));
    }
    return bytes;
  }

  std::unique_ptr<Step> make(size_t i) {
    const Node& node = graph_.nodes[i];
    if ((node.op->flags & kView) || makes_nothing(graph_, node)) return nullptr;
    PlanContext context(graph_, node, options_, cache_);
    auto step = named(node, [&] { return node.op->plan(context); });
    packed_[i] = context.packed_constants();
    for (const Constant* constant : packed_[i]) {
      if (--readers_[constant] == 0) cache_.let_go(*constant);
    }
    return step;
  }

  const Graph& graph_;
  const PlanOptions& options_;
  PackCache& cache_;
  std::map<const Constant*, int> readers_;
  std::vector<std::vector<const Constant*>> packed_;  // by node
};

std::map<const Constant*, int> count_readers(const Graph& graph) {
  std::map<const Constant*, int> readers;
  const auto count = [&](ValueId id) {
    if (id != kNoValue && graph.values[id].constant) ++readers[graph.values[id].constant.get()];
  };
  for (const Node& node : graph.nodes) std::for_each(node.inputs.begin(), node.inputs.end(), count);
  std::for_each(graph.outputs.begin(), graph.outputs.end(), count);
  return readers;
}

constexpr const char* kFunctionNames[] = {
#define FASTCONV_FUNCTION(name) #name,
#include "kernels/elementwise/functions.inc"
#undef FASTCONV_FUNCTION
};

std::string epilogue_of(const Graph& graph, const Node& node) {
  std::string text;
  const auto add = [&](const std::string& word) { text += text.empty() ? word : " " + word; };
  if (node.residual >= 0) add("add");
  if (node.function == kRelu) {
    add("relu");
  } else if (node.function != FunctionCall{}) {
    add(kFunctionNames[static_cast<int>(node.function.function)]);
  }
  if (const int pieces = graph.values[node.outputs[0]].pieces) add(pieces == 1 ? "bf16" : concat(pieces, "bf16"));
  return text;
}

// What a node's values hold together in all turns; constants are the same in each.
int64_t value_bytes(const Graph& graph, const std::vector<ValueId>& ids, int64_t turns) {
  int64_t bytes = 0;
  for (ValueId id : ids) {
    if (id == kNoValue) continue;
    const Value& value = graph.values[id];
    bytes += bytes_of(value) * (value.constant ? 1 : turns);
  }
  return bytes;
}

// Bytes from one turn's images, in a value that holds the whole batch, to the next one's.
int64_t turn_bytes(const Value& images) {
  return strides_of(images)[0] * images.shape[0] * element_bytes(images);
}

// Adds the next step, of a node in `stretch` (null: for the whole batch), to the stretch it belongs to.
PlannedStretch& stretch_at(Plan& plan, const Stretch* stretch, const Stretch* before) {
  if (plan.stretches.empty() || stretch != before) {
    plan.stretches.push_back({plan.steps.size(), plan.steps.size(), stretch ? stretch->turns : 1});
  }
  ++plan.stretches.back().end;
  return plan.stretches.back();
}

}  // namespace

std::shared_ptr<const Plan> make_plan(Graph graph, const PlanOptions& options, PackCache& cache) {
  auto readers = count_readers(graph);
  infer_shapes(graph);
  remove_dead_nodes(graph);
  fuse_epilogues(graph);
  assign_formats(graph, cache);
  place_views(graph);
  separate_outputs(graph);
  remove_dead_nodes(graph);
  place_parts(graph);
  choose_pieces(graph, options, cache);
  const int64_t l2_bytes = options.l2_bytes ? options.l2_bytes : cpu_info().l2_bytes;
  const std::vector<Stretch> stretches = split_images(graph, l2_bytes, num_threads());

  StepMaker maker(graph, options, cache, std::move(readers));
  std::vector<std::unique_ptr<Step>> steps = maker.run();
  const MemoryPlan memory = plan_memory(graph, steps, stretches);

  static std::atomic<uint64_t> plan_count{0};
  auto plan = std::make_shared<Plan>();
  plan->id = ++plan_count;
  plan->verbose = is_verbose();
  plan->arena_bytes = memory.arena_bytes;
  plan->unshared_bytes = memory.unshared_bytes;
  std::set<const Constant*> counted;
  const Stretch* before = nullptr;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i]) continue;
    const Node& node = graph.nodes[i];
    const Stretch* stretch = stretch_of(stretches, i);
    const int64_t turns = stretch ? stretch->turns : 1;
    const int64_t bytes = value_bytes(graph, node.inputs, turns) + value_bytes(graph, node.outputs, turns);
    const Value& first = graph.values[node.outputs[0]];
    Shape shape = first.shape;
    if (stretch) shape[0] *= turns;
    PlannedStretch& planned = stretch_at(*plan, stretch, before);
    before = stretch;
    // An operand's place, where the run walks along it too.
    const auto add_operand = [&](ValueId id) {
      if (stretch && stretch->walked.contains(home_of(graph, id))) {
        planned.walked.push_back({plan->operands.size(), turn_bytes(graph.values[id])});
      }
      plan->operands.push_back(memory.values[id]);
    };
    plan->workspace_bytes = std::max(plan->workspace_bytes, steps[i]->workspace_bytes());
    plan->steps.push_back({std::move(steps[i]),
                           node.name,
                           node.op,
                           epilogue_of(graph, node),
                           static_cast<int>(plan->operands.size()),
                           static_cast<int>(std::max(node.inputs.size(), kLeastInputs)),
                           memory.workspaces[i],
                           turns,
                           bytes,
                           {first.name, first.dtype, std::move(shape)},
                           first.format});
    for (ValueId id : node.inputs) {
      const Constant* constant = id == kNoValue ? nullptr : graph.values[id].constant.get();
      const bool read = id != kNoValue && !maker.holds(i, graph.values[id]);
      read ? add_operand(id) : plan->operands.push_back({});
      if (!constant) continue;
      if (read) plan->constants.push_back(constant->data);
      if (counted.insert(constant).second) plan->constants_bytes += byte_count(constant->dtype, constant->shape);
    }
    if (node.inputs.size() < kLeastInputs)
      plan->operands.resize(plan->operands.size() + kLeastInputs - node.inputs.size());
    for (ValueId id : node.outputs) add_operand(id);
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value& value = graph.values[graph.outputs[i]];
    plan->outputs.push_back({graph.output_names[i], value.dtype, value.shape});
  }
  return plan;
}

}  // namespace fastconv::graph
