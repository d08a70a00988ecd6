// The memory plan: where every value lives. One arena serves all intermediate values and workspaces; two that are
// never alive together share bytes. Called by planner.cc.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "graph/images.h"
#include "graph/op.h"

namespace fastconv::graph {

// The address of a value in terms of what a run brings: the arena, or an input, output or constant, and bytes from
// there.
struct Location {
  enum class Kind : uint8_t { none, arena, input, output, constant };
  Kind kind = Kind::none;
  int64_t index = 0;  // input, output: position in the graph's list
  int64_t offset = 0;
  const std::byte* constant = nullptr;
};

struct MemoryPlan {
  std::vector<Location> values;     // by value id
  std::vector<int64_t> workspaces;  // by node: its workspace's offset in the arena
  int64_t arena_bytes = 0;
  int64_t unshared_bytes = 0;  // what the arena would be if nothing were reused
};

// Whether a node's first output may lie where one of its inputs does, if that is as large: that of an operator which
// reads each element before it writes its result, and a layer's residual, unless the layer reads it otherwise too.
bool may_overwrite(const Graph& graph, const Node& node, size_t input);

// `steps[i]` is node i's step, null where there is nothing to do. Every graph output must have a producer of its own,
// and memory of its own.
MemoryPlan plan_memory(const Graph& graph, const std::vector<std::unique_ptr<Step>>& steps,
                       std::span<const Stretch> stretches);

// Gives every graph output a producer of its own: a copy where it is an input, a constant, or another output.
void separate_outputs(Graph& graph);

}  // namespace fastconv::graph
