#include "graph/placement.h"

#include <algorithm>
#include <utility>

#include "base/cpu.h"
#include "graph/ops/move.h"
#include "graph/ops/ops.h"
#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

// Whether `value`, with this pixel stride, has these strides wherever it has more than one cell.
bool has_strides(Value value, int64_t pixel_stride, const std::vector<int64_t>& strides) {
  value.placement.pixel_stride = pixel_stride;
  const auto own = strides_of(value);
  for (size_t a = 0; a < own.size(); ++a) {
    if (value.shape[a] > 1 && own[a] != strides[a]) return false;
  }
  return true;
}

// The innermost axis of pixels with more than one, or 0.
size_t pixel_axis(const Shape& shape) {
  for (size_t a = shape.size() - 1; a > 1; --a) {
    if (shape[a] > 1) return a;
  }
  return 0;
}

class Placer {
 public:
  explicit Placer(Graph& graph)
      : graph_(graph),
        producer_(Uses(graph).producer),
        readers_(graph.values.size()),
        fixed_(graph.values.size()),
        inside_(graph.values.size()) {
    for (const Node& node : graph.nodes) {
      for (ValueId id : node.inputs) {
        if (id != kNoValue) readers_[id].push_back(&node);
      }
    }
    for (ValueId id : graph.outputs) fixed_[id] = true;
    for (size_t id = 0; id < graph.values.size(); ++id) {
      if (const ValueId whole = graph.values[id].placement.whole; whole != kNoValue) inside_[whole].push_back(id);
    }
  }

  // Outermost concats first, so that a whole has its place before its parts get theirs.
  void run() {
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      if (node->op == &op_concat) join(*node);
    }
    for (const Node& node : graph_.nodes) {
      if (const auto all = parts_of(graph_, node); all && !all->joins) take_out(*all);
    }
  }

 private:
  Value& value(ValueId id) { return graph_.values[id]; }

  void join(const Node& node) {
    const Parts all = *parts_of(graph_, node);
    if (lies_there(node)) return;
    for (const Part& part : all.parts) {
      const auto place = placement_in(graph_, all.whole, part);
      if (place && !(place->pixel_stride && crosses_memory(part.value, all.whole))) move(part.value, *place, true);
    }
  }

  // A whole beyond the caches is fetched with all its channels by whoever reads some of them: a part that others read
  // too is copied for less. U-Net, 256x256, the first stage's 32 in 64 channels: the pool behind it takes 1.37 ms for
  // 0.38, the convolution before it 7.6 for 7.1; the copy took 0.95. One core of an EPYC (AVX2, 1 MB L2), November
  // 2026: profile() of fc.compile(fc.models.unet(), (1, 3, 256, 256)).
  bool crosses_memory(ValueId part, ValueId whole) {
    const Value& all = value(whole);
    return byte_count(all.dtype, all.shape) > 8 * cpu_info().l2_bytes &&
           std::any_of(readers_[part].begin(), readers_[part].end(),
                       [](const Node* node) { return node->op != &op_concat; });
  }

  // Parts that lie side by side in another whole already, as the first inputs of a longer concat do, are the result.
  bool lies_there(const Node& node) {
    const ValueId whole = node.outputs[0];
    const Placement place = value(node.inputs[0]).placement;
    if (place.whole == kNoValue || !may_move(whole, place)) return false;
    value(whole).placement = place;
    const Parts all = *parts_of(graph_, node);
    const bool there =
        std::all_of(all.parts.begin(), all.parts.end(), [&](const Part& part) { return lies_in(graph_, whole, part); });
    value(whole).placement = {};
    if (there) settle(whole, place);
    return there;
  }

  void take_out(const Parts& all) {
    for (const Part& part : all.parts) {
      const auto place = placement_in(graph_, all.whole, part);
      if (place && value(part.value).placement.whole == kNoValue) move(part.value, *place, false);
    }
  }

  // Puts a part, with all the memory that it is a view of, where it belongs, if all who touch that can do with it.
  void move(ValueId part, const Placement& place, bool written) {
    const ValueId home = home_of(graph_, part);
    if (element_count(value(part).shape) != element_count(value(home).shape)) return;  // lies in another whole
    if (!may_move(home, place)) return;
    if (written && place.pixel_stride && !(graph_.nodes[producer_[home]].op->flags & kWritesPixels)) return;
    settle(home, place);
  }

  bool may_move(ValueId home, const Placement& place) const {
    if (home == place.whole || producer_[home] < 0 || graph_.values[home].placement.whole != kNoValue) return false;
    const auto& inside = inside_[home];
    if (fixed_[home] || std::any_of(inside.begin(), inside.end(), [&](ValueId id) { return fixed_[id]; })) return false;
    if (place.pixel_stride == 0) return true;
    const auto& readers = readers_[home];
    return inside.empty() &&
           std::all_of(readers.begin(), readers.end(), [](const Node* node) { return node->op->flags & kReadsPixels; });
  }

  void settle(ValueId home, const Placement& place) {
    value(home).placement = place;
    inside_[place.whole].push_back(home);
    for (ValueId id : std::exchange(inside_[home], {})) {
      value(id).placement.whole = place.whole;
      value(id).placement.offset += place.offset;
      inside_[place.whole].push_back(id);
    }
  }

  Graph& graph_;
  std::vector<int> producer_;
  std::vector<std::vector<const Node*>> readers_;
  std::vector<bool> fixed_;                   // graph outputs: callers bring their memory
  std::vector<std::vector<ValueId>> inside_;  // by home: what lies in it
};

}  // namespace

std::optional<Placement> placement_in(const Graph& graph, ValueId whole, const Part& part) {
  const Value& value = graph.values[part.value];
  Placement place{home_of(graph, whole), graph.values[whole].placement.offset + part.offset, 0};
  if (has_strides(value, 0, part.strides)) return place;
  if (value.format != Format::channels_last || value.shape.size() < 3) return std::nullopt;
  place.pixel_stride = part.strides[pixel_axis(value.shape)];
  if (place.pixel_stride < value.shape[1] || !has_strides(value, place.pixel_stride, part.strides)) return std::nullopt;
  return place;
}

bool lies_in(const Graph& graph, ValueId whole, const Part& part) {
  const Value& value = graph.values[part.value];
  const Placement& place = value.placement;
  return place.whole == home_of(graph, whole) && place.offset == graph.values[whole].placement.offset + part.offset &&
         has_strides(value, place.pixel_stride, part.strides);
}

void place_views(Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (!(node.op->flags & kView)) continue;
    graph.values[node.outputs[0]].placement = {home_of(graph, node.inputs[0]), 0, 0};
  }
}

void place_parts(Graph& graph) {
  Placer(graph).run();
}

}  // namespace fastconv::graph
