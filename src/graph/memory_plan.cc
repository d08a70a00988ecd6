#include "graph/memory_plan.h"

#include <algorithm>

#include "graph/ops/ops.h"
#include "graph/passes/passes.h"
#include "graph/pieces.h"
#include "graph/placement.h"

namespace fastconv::graph {
namespace {

using Kind = Location::Kind;

// A piece of the arena, needed from step `first` to step `last`.
struct Block {
  int64_t bytes;
  int first, last;
  int64_t offset = 0;
};

// Largest first, each at the lowest offset that is free for its whole life.
int64_t place(std::vector<Block>& blocks) {
  std::vector<Block*> order;
  for (Block& block : blocks) order.push_back(&block);
  std::stable_sort(order.begin(), order.end(), [](const Block* a, const Block* b) { return a->bytes > b->bytes; });
  std::vector<const Block*> placed;  // by offset
  int64_t total = 0;
  for (Block* block : order) {
    int64_t offset = 0;
    for (const Block* other : placed) {
      if (other->last < block->first || block->last < other->first) continue;
      if (offset + block->bytes <= other->offset) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    block->offset = offset;
    total = std::max(total, checked_add(offset, block->bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), block,
                                   [](const Block* a, const Block* b) { return a->offset < b->offset; }),
                  block);
  }
  return total;
}

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<std::unique_ptr<Step>>& steps, std::span<const Stretch> stretches)
      : graph_(graph),
        steps_(steps),
        stretches_(stretches),
        last_use_(graph.values.size(), -1),
        block_(graph.values.size(), -1) {}

  MemoryPlan run() {
    plan_.values.resize(graph_.values.size());
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (const Constant* constant = graph_.values[i].constant.get()) {
        plan_.values[i] = {Kind::constant, 0, 0, constant->data.data()};
      }
    }
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      if (!graph_.values[graph_.inputs[i]].constant) {
        plan_.values[graph_.inputs[i]] = {Kind::input, static_cast<int64_t>(i)};
      }
    }
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      plan_.values[home(graph_.outputs[i])] = {Kind::output, static_cast<int64_t>(i)};
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!steps_[i]) continue;
      for (ValueId id : graph_.nodes[i].inputs) {
        if (id != kNoValue) last_use_[home(id)] = span_of(i, home(id)).second;
      }
      for (ValueId id : graph_.nodes[i].outputs) last_use_[home(id)] = span_of(i, home(id)).second;
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (steps_[i]) add_step(static_cast<int>(i));
    }
    plan_.arena_bytes = fastconv::graph::place(blocks_);
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const ValueId whole = home(static_cast<ValueId>(i));
      if (block_[whole] >= 0) plan_.values[whole] = {Kind::arena, 0, blocks_[block_[whole]].offset};
      const Value& value = graph_.values[i];
      if (value.placement.whole == kNoValue) continue;
      plan_.values[i] = plan_.values[whole];
      plan_.values[i].offset += value.placement.offset * element_bytes(value);
    }
    plan_.workspaces.resize(graph_.nodes.size());
    for (size_t i = 0; i < workspace_block_.size(); ++i) {
      plan_.workspaces[i] = workspace_block_[i] < 0 ? 0 : blocks_[workspace_block_[i]].offset;
    }
    return std::move(plan_);
  }

 private:
  ValueId home(ValueId id) const { return home_of(graph_, id); }

  // The first and last step that run before a use of `home` by step i is over: the next turn needs it again.
  std::pair<int, int> span_of(size_t i, ValueId home) const {
    const Stretch* stretch = stretch_of(stretches_, i);
    if (!stretch || !stretch->walked.contains(home)) return {static_cast<int>(i), static_cast<int>(i)};
    return {static_cast<int>(stretch->first), static_cast<int>(stretch->end) - 1};
  }

  int add_block(int64_t bytes, int first, int last) {
    blocks_.push_back({round_up(std::max<int64_t>(bytes, 1), kAlignment), first, last});
    plan_.unshared_bytes += blocks_.back().bytes;
    return static_cast<int>(blocks_.size()) - 1;
  }

  void add_step(int i) {
    const Node& node = graph_.nodes[i];
    for (ValueId id : node.outputs) {
      const ValueId whole = home(id);
      if (plan_.values[whole].kind != Kind::none || block_[whole] >= 0) continue;
      const int last = last_use_[whole];
      if (const int shared = dying_input(node, i, id); shared >= 0) {
        block_[id] = shared;
        blocks_[shared].last = last;
      } else {
        block_[whole] = add_block(bytes_of(graph_.values[whole]), span_of(i, whole).first, last);
      }
    }
    workspace_block_.resize(i + 1, -1);
    if (const int64_t bytes = steps_[i]->workspace_bytes(); bytes > 0) workspace_block_[i] = add_block(bytes, i, i);
  }

  // The block of an input that dies here and that output `id` may take over; -1 where there is none.
  int dying_input(const Node& node, int step, ValueId id) const {
    if (id != node.outputs[0] || home(id) != id) return -1;
    const Value& out = graph_.values[id];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId candidate = node.inputs[i];
      if (candidate == kNoValue || !may_overwrite(graph_, node, i)) continue;
      const ValueId whole = home(candidate);
      const Value& in = graph_.values[candidate];
      if (block_[whole] < 0 || blocks_[block_[whole]].last != step) continue;
      if (element_count(graph_.values[whole].shape) != element_count(in.shape)) continue;
      if (in.pieces == out.pieces && in.dtype == out.dtype && in.shape == out.shape && in.format == out.format)
        return block_[whole];
    }
    return -1;
  }

  const Graph& graph_;
  const std::vector<std::unique_ptr<Step>>& steps_;
  std::span<const Stretch> stretches_;
  std::vector<int> last_use_;  // by home: the last step that reads or writes in it
  std::vector<int> block_;     // by home: its block, -1 where it is not in the arena
  std::vector<int> workspace_block_;
  std::vector<Block> blocks_;
  MemoryPlan plan_;
};

}  // namespace

bool may_overwrite(const Graph& graph, const Node& node, size_t input) {
  if (node.op->flags & kMayAlias) return true;
  if (static_cast<int>(input) != node.residual) return false;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const bool reads = i != input && node.inputs[i] != kNoValue;
    if (reads && home_of(graph, node.inputs[i]) == home_of(graph, node.inputs[input])) return false;
  }
  return true;
}

MemoryPlan plan_memory(const Graph& graph, const std::vector<std::unique_ptr<Step>>& steps,
                       std::span<const Stretch> stretches) {
  return Planner(graph, steps, stretches).run();
}

void separate_outputs(Graph& graph) {
  const Uses uses(graph);
  std::vector<ValueId> taken;
  for (ValueId& id : graph.outputs) {
    const ValueId home = home_of(graph, id);
    const bool made = uses.producer[home] >= 0;
    if (made && std::find(taken.begin(), taken.end(), home) == taken.end()) {
      taken.push_back(home);
      continue;
    }
    Value copy = graph.values[id];
    copy.constant = nullptr;
    copy.placement = {};
    const ValueId fresh = graph.new_value(std::move(copy));
    graph.nodes.push_back({&op_copy, graph.values[id].name, {id}, {fresh}, {}});
    id = fresh;
  }
}

}  // namespace fastconv::graph
