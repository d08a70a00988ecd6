#include "graph/images.h"

#include <algorithm>

#include "graph/memory_plan.h"
#include "graph/ops/move.h"
#include "graph/ops/ops.h"
#include "graph/passes/passes.h"
#include "graph/pieces.h"
#include "graph/placement.h"

namespace fastconv::graph {
namespace {

// Positions of the inputs that hold images like the output; the others are arguments and weights.
bool holds_images(const Node& node, size_t input) {
  if (input == 0 || static_cast<int>(input) == node.residual) return true;
  return node.op->layout == LayoutRule::follow && !(node.op->flags & kValueInputs);
}

// The images of a node whose outputs are made of each image of its inputs alone; 0 where there is no such axis.
int64_t images_of(const Graph& graph, const Node& node) {
  const auto value = [&](ValueId id) -> const Value& { return graph.values[id]; };
  const size_t rank = value(node.outputs[0]).shape.size();
  if (rank == 0 || makes_nothing(graph, node)) return 0;
  const int64_t images = value(node.outputs[0]).shape[0];
  if (node.op->flags & kView) {
    const Shape& seen = value(node.inputs[0]).shape;
    return !seen.empty() && seen[0] == images ? images : 0;
  }
  if (!(node.op->flags & kEachImage)) return 0;
  if (node.outputs.size() > 1 && node.op != &op_split) return 0;  // a pool's indices count through the batch
  for (ValueId id : node.outputs) {
    if (value(id).shape.empty() || value(id).shape[0] != images) return 0;
  }
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const Value& input = value(node.inputs[i]);
    const bool whole = input.shape.size() < rank || input.shape[0] == 1;  // the same for every image
    if (input.constant) {
      if (holds_images(node, i) && !whole) return 0;
    } else if (!holds_images(node, i) || input.shape.size() != rank || input.shape[0] != images) {
      return 0;
    }
  }
  return images;
}

// Whether the node's outputs lie in place already, so that it is no step.
bool does_nothing(const Graph& graph, const Node& node) {
  if (node.op->flags & kView) return true;
  const auto all = parts_of(graph, node);
  return all && std::all_of(all->parts.begin(), all->parts.end(),
                            [&](const Part& part) { return lies_in(graph, all->whole, part); });
}

ImageCost cost_of(const Graph& graph, const Node& node) {
  ImageCost cost{images_of(graph, node), !does_nothing(graph, node)};
  if (cost.images == 0 || !cost.works) return cost;
  const auto count = [&](ValueId id) {
    if (id == kNoValue) return;
    const Value& value = graph.values[id];
    value.constant ? cost.weights += bytes_of(value) : cost.activations += bytes_of(value) / cost.images;
  };
  std::for_each(node.inputs.begin(), node.inputs.end(), count);
  std::for_each(node.outputs.begin(), node.outputs.end(), count);
  return cost;
}

// An image for each thread in a turn, or as many as come near that and leave none over.
int64_t turns_of(int64_t images, int64_t threads) {
  for (int64_t each = std::min(images, threads); each > 1; --each) {
    if (images % each == 0) return images / each;
  }
  return images;
}

class Splitter {
 public:
  explicit Splitter(Graph& graph) : graph_(graph), homes_(graph.values.size()) {}

  std::vector<Stretch> run(int64_t l2_bytes, int64_t threads) {
    std::vector<ImageCost> costs;
    for (const Node& node : graph_.nodes) costs.push_back(cost_of(graph_, node));
    std::vector<Stretch> stretches = choose_stretches(costs, l2_bytes, threads);
    if (stretches.empty()) return stretches;
    find_homes(stretches);
    const int64_t most = most_alive(nullptr, 0);
    for (size_t s = 0; s < stretches.size(); ++s) {
      if (most_alive(&stretches[s], static_cast<int>(s)) <= most) split(stretches[s], static_cast<int>(s));
    }
    std::erase_if(stretches, [](const Stretch& stretch) { return stretch.walked.empty(); });
    return stretches;
  }

 private:
  static constexpr int kUnseen = -1, kCrosses = -2;

  // What lies in a value's memory.
  struct Home {
    int stretch = kUnseen;  // the only one whose nodes make and read it
    bool in_arena = true;
    int first = -1, last = -1;  // nodes that touch it
    bool inherits = false;      // made in the memory of an input that ends there (see memory_plan.cc)
  };

  ValueId home(ValueId id) const { return home_of(graph_, id); }

  void find_homes(std::span<const Stretch> stretches) {
    const auto border = [&](ValueId id) { homes_[home(id)] = {kCrosses, false}; };
    std::for_each(graph_.inputs.begin(), graph_.inputs.end(), border);
    std::for_each(graph_.outputs.begin(), graph_.outputs.end(), border);
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      if (graph_.values[id].constant) border(static_cast<ValueId>(id));
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Stretch* found = stretch_of(stretches, i);
      const int stretch = found ? static_cast<int>(found - stretches.data()) : kCrosses;
      const auto touch = [&](ValueId id) {
        if (id == kNoValue) return;
        Home& seen = homes_[home(id)];
        seen.stretch = seen.stretch == kUnseen || seen.stretch == stretch ? stretch : kCrosses;
        if (seen.first < 0) seen.first = static_cast<int>(i);
        seen.last = static_cast<int>(i);
      };
      std::for_each(graph_.nodes[i].inputs.begin(), graph_.nodes[i].inputs.end(), touch);
      std::for_each(graph_.nodes[i].outputs.begin(), graph_.nodes[i].outputs.end(), touch);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (inherits(node, static_cast<int>(i))) homes_[home(node.outputs[0])].inherits = true;
    }
  }

  bool inherits(const Node& node, int index) const {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue || !may_overwrite(graph_, node, i)) continue;
      if (!homes_[home(id)].in_arena || homes_[home(id)].last != index) continue;
      if (bytes_of(graph_.values[home(id)]) == bytes_of(graph_.values[node.outputs[0]])) return true;
    }
    return false;
  }

  // The most bytes of the arena that are in use at a time if `stretch`, the one of this index, is taken in turns.
  int64_t most_alive(const Stretch* stretch, int index) const {
    std::vector<int64_t> alive(graph_.nodes.size() + 1);  // at first the change from the node before
    for (size_t id = 0; id < homes_.size(); ++id) {
      auto [only, in_arena, first, last, inherits] = homes_[id];
      if (!in_arena || first < 0 || home(static_cast<ValueId>(id)) != static_cast<ValueId>(id)) continue;
      int64_t bytes = bytes_of(graph_.values[id]);
      if (stretch && only == index) {
        bytes /= stretch->turns;
      } else if (stretch) {
        const int begin = static_cast<int>(stretch->first), end = static_cast<int>(stretch->end);
        if (begin <= first && first < end) {
          first = begin;
          inherits = false;  // the next turn needs the input again
        }
        if (begin <= last && last < end) last = end - 1;
      }
      alive[inherits ? first + 1 : first] += bytes;
      alive[last + 1] -= bytes;
    }
    int64_t most = 0, now = 0;
    for (const int64_t change : alive) most = std::max(most, now += change);
    return most;
  }

  void split(Stretch& stretch, int index) {
    for (size_t id = 0; id < homes_.size(); ++id) {
      if (homes_[home(static_cast<ValueId>(id))].stretch == index) graph_.values[id].shape[0] /= stretch.turns;
    }
    std::vector<ValueId> twins(homes_.size(), kNoValue);
    const auto replace = [&](ValueId& id) {
      if (id == kNoValue || graph_.values[id].constant || homes_[home(id)].stretch == index) return;
      if (twins[id] == kNoValue) twins[id] = twin(id, stretch.turns);
      stretch.walked.insert(home(id));
      id = twins[id];
    };
    for (size_t i = stretch.first; i < stretch.end; ++i) {
      Node& node = graph_.nodes[i];
      if (does_nothing(graph_, node)) continue;
      std::for_each(node.inputs.begin(), node.inputs.end(), replace);
      std::for_each(node.outputs.begin(), node.outputs.end(), replace);
    }
  }

  // What the first turn takes of a value.
  ValueId twin(ValueId id, int64_t turns) {
    Value twin = graph_.values[id];
    twin.shape[0] /= turns;
    twin.placement.whole = home(id);
    return graph_.new_value(std::move(twin));
  }

  Graph& graph_;
  std::vector<Home> homes_;
};

}  // namespace

// Measured on an EPYC (Zen 5, AVX-512, 1 MB L2), November 2026: processor time of networks of fc.models compiled for 8
// images, one thread, variants in turns (`fastconv bench model ... --batch 1,8 --threads 1` shows the whole).
// Activations of 1 or 1.5 times L2 are level; half of it costs MobileNetV2 4 %, 3 times 12 %. Weights as large as the
// activations cost VGG-16 about 3 %, smaller parts are level. An eighth of L2 lets squeeze-and-excite layers go along;
// a tenth to a half are level. See decision 28.
std::vector<Stretch> choose_stretches(std::span<const ImageCost> nodes, int64_t l2_bytes, int64_t threads) {
  const auto gains = [&](const ImageCost& node) { return node.works && node.activations > l2_bytes; };
  const auto goes_along = [&](const ImageCost& node) {
    return !node.works || node.weights <= std::max(node.activations / 2, l2_bytes / 8);
  };
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int64_t images = nodes[i].images, turns = turns_of(images, threads);
    if (turns < 2 || !gains(nodes[i]) || !goes_along(nodes[i])) continue;
    // To the last node that gains of those that go along; a layer alone leaves nothing in the cache for another.
    size_t end = i + 1;
    int steps = 1, steps_to_end = 1;
    for (size_t k = end; k < nodes.size() && nodes[k].images == images && goes_along(nodes[k]); ++k) {
      steps += nodes[k].works;
      if (!gains(nodes[k])) continue;
      end = k + 1;
      steps_to_end = steps;
    }
    if (steps_to_end > 1) stretches.push_back({i, end, turns});
    i = end - 1;
  }
  return stretches;
}

const Stretch* stretch_of(std::span<const Stretch> stretches, size_t i) {
  const auto found =
      std::find_if(stretches.begin(), stretches.end(), [i](const Stretch& s) { return s.first <= i && i < s.end; });
  return found == stretches.end() ? nullptr : &*found;
}

std::vector<Stretch> split_images(Graph& graph, int64_t l2_bytes, int64_t threads) {
  return Splitter(graph).run(l2_bytes, threads);
}

}  // namespace fastconv::graph
