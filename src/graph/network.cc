#include "graph/network.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/threads.h"
#include "conv/algorithm.h"
#include "graph/passes/passes.h"

namespace fastconv::graph {
namespace {

// An input larger than this is data, not an argument: no plan is made for its value.
constexpr int64_t kMaxValueBytes = 4096;

void report(const Plan& plan, std::span<const TensorView> inputs) {
  std::string shapes;
  for (const TensorView& input : inputs) shapes = concat(shapes, " ", to_string(input.shape));
  std::fprintf(stderr, "fastconv: plan %llu for%s: %zu steps, arena %lld bytes, constants %lld bytes\n",
               static_cast<unsigned long long>(plan.id), shapes.c_str(), plan.steps.size(),
               static_cast<long long>(plan.arena_bytes), static_cast<long long>(plan.constants_bytes));
}

}  // namespace

Network::Network(Graph graph, const NetworkOptions& options) : graph_(std::move(graph)) {
  if (options.max_plans < 1) value_error("network: max_plans must be >= 1, got ", options.max_plans);
  parse_precision(options.precision);  // the rule, before any plan needs it
  if (graph_.outputs.empty()) value_error("network: outputs must be >= 1, got 0");
  options_.precision = options.precision;
  options_.algorithms = options.algorithms;
  options_.l2_bytes = options.l2_bytes;
  max_plans_ = static_cast<size_t>(options.max_plans);
  for (ValueId id : graph_.inputs) {
    const Value& value = graph_.values[id];
    inputs_.push_back({value.name, value.dtype, value.shape});
  }
  // Constants of its own, which share their bytes with nobody where the graph was handed over.
  for (Value& value : graph_.values) {
    if (value.constant) value.constant = std::make_shared<Constant>(*value.constant);
  }
  remove_dead_nodes(graph_);
  fold_constants(graph_);
  remove_identities(graph_);
  name_activations(graph_);
  fold_pads(graph_);
  fold_scales(graph_);
  remove_dead_nodes(graph_);
}

// The outputs if every dynamic extent were `dynamic_extent`.
std::optional<std::vector<TensorSpec>> Network::probe(int64_t dynamic_extent) const {
  Graph graph = graph_;
  for (ValueId id : graph.inputs) {
    for (int64_t& extent : graph.values[id].shape) {
      if (extent == kDynamic) extent = dynamic_extent;
    }
  }
  try {
    infer_shapes(graph);
  } catch (const ValueError&) {
    return std::nullopt;  // this extent does not fit; another may
  } catch (const NeedsValue&) {
    return std::nullopt;
  }
  std::vector<TensorSpec> specs;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value& value = graph.values[graph.outputs[i]];
    specs.push_back({graph.output_names[i], value.dtype, value.shape});
  }
  return specs;
}

// An extent that differs between two probes depends on the inputs. Multiples of 32 suit networks that halve often.
std::vector<std::optional<TensorSpec>> Network::outputs() const {
  const auto small = probe(224), large = probe(352);
  std::vector<std::optional<TensorSpec>> specs(graph_.outputs.size());
  for (size_t i = 0; small && large && i < specs.size(); ++i) {
    const Shape &a = (*small)[i].shape, &b = (*large)[i].shape;
    if (a.size() != b.size()) continue;
    specs[i] = (*small)[i];
    for (size_t axis = 0; axis < a.size(); ++axis) {
      if (a[axis] != b[axis]) specs[i]->shape[axis] = kDynamic;
    }
  }
  return specs;
}

void Network::check(std::span<const TensorView> inputs) const {
  if (inputs.size() != inputs_.size()) {
    value_error("network: inputs must be ", inputs_.size(), ", got ", inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec& spec = inputs_[i];
    if (inputs[i].dtype != spec.dtype) {
      throw TypeError(concat("input '", spec.name, "': dtype must be ", dtype_name(spec.dtype), ", got ",
                             dtype_name(inputs[i].dtype)));
    }
    bool fits = inputs[i].shape.size() == spec.shape.size();
    for (size_t axis = 0; fits && axis < spec.shape.size(); ++axis) {
      fits = inputs[i].shape[axis] >= 0 && (spec.shape[axis] == kDynamic || spec.shape[axis] == inputs[i].shape[axis]);
    }
    if (!fits) {
      value_error("input '", spec.name, "': shape must be ", to_string(spec.shape), ", got ",
                  to_string(inputs[i].shape));
    }
    byte_count(inputs[i].dtype, inputs[i].shape);
  }
}

bool Network::fits(const Entry& entry, std::span<const TensorView> inputs) const {
  if (entry.isa != active_isa() || entry.threads != num_threads()) return false;
  auto extent = entry.extents.begin();  // check() saw to the ranks
  for (const TensorView& input : inputs) {
    if (!std::equal(input.shape.begin(), input.shape.end(), extent)) return false;
    extent += static_cast<std::ptrdiff_t>(input.shape.size());
  }
  // A plan made before another input turned out to be an argument has fewer values.
  const std::byte* value = entry.values.data();
  const std::byte* const end = value + entry.values.size();
  for (size_t i : value_inputs_) {
    const int64_t bytes = byte_count(inputs[i].dtype, inputs[i].shape);
    if (bytes > end - value || !inputs[i].data) return false;
    if (std::memcmp(value, inputs[i].data, static_cast<size_t>(bytes)) != 0) return false;
    value += bytes;
  }
  return value == end;
}

std::shared_ptr<const Plan> Network::find(std::span<const TensorView> inputs) {
  const auto entry = std::find_if(plans_.begin(), plans_.end(), [&](const Entry& e) { return fits(e, inputs); });
  if (entry == plans_.end()) return nullptr;
  plans_.splice(plans_.begin(), plans_, entry);
  return plans_.front().plan;
}

void Network::insert(std::span<const TensorView> inputs, std::shared_ptr<const Plan> plan) {
  Entry entry{active_isa(), num_threads(), {}, {}, std::move(plan)};
  for (const TensorView& input : inputs) {
    entry.extents.insert(entry.extents.end(), input.shape.begin(), input.shape.end());
  }
  for (size_t i : value_inputs_) {
    const auto* data = static_cast<const std::byte*>(inputs[i].data);
    entry.values.insert(entry.values.end(), data, data + byte_count(inputs[i].dtype, inputs[i].shape));
  }
  plans_.push_front(std::move(entry));
  if (plans_.size() > max_plans_) plans_.pop_back();
  // Memory that only a forgotten plan needed goes back.
  int64_t needed = 0;
  for (const Entry& entry : plans_) needed = std::max(needed, entry.plan->arena_bytes);
  std::erase_if(pool_, [&](const auto& state) { return state->arena.size() > needed; });
}

std::shared_ptr<const Plan> Network::plan(std::span<const TensorView> inputs) {
  check(inputs);
  {
    const std::lock_guard lock(mutex_);
    if (auto found = find(inputs)) return found;
  }
  const std::lock_guard planning(planning_);
  {
    const std::lock_guard lock(mutex_);
    if (auto found = find(inputs)) return found;  // another thread made it meanwhile
  }
  std::shared_ptr<const Plan> made = make(inputs);
  const std::lock_guard lock(mutex_);
  insert(inputs, made);
  cache_.sweep();
  if (made->verbose) report(*made, inputs);
  return made;
}

void Network::plan_ahead() {
  std::vector<TensorView> inputs;
  for (const TensorSpec& input : inputs_) {
    if (std::find(input.shape.begin(), input.shape.end(), kDynamic) != input.shape.end()) return;
    inputs.push_back({input.dtype, input.shape});
  }
  try {
    plan(inputs);
  } catch (const ValueError&) {
    const std::lock_guard lock(mutex_);
    if (value_inputs_.empty()) throw;  // else it may lack a value alone, which comes with the first run
  }
}

std::shared_ptr<const Plan> Network::make(std::span<const TensorView> inputs) {
  while (true) {
    Graph graph = graph_;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Value& value = graph.values[graph.inputs[i]];
      value.shape.assign(inputs[i].shape.begin(), inputs[i].shape.end());
      if (value_inputs_.contains(i)) {
        if (!inputs[i].data) value_error("input '", value.name, "': value must be known while planning, got none");
        value.constant = make_constant(inputs[i].dtype, value.shape, inputs[i].data);
      }
    }
    try {
      return make_plan(std::move(graph), options_, cache_);
    } catch (const NeedsValue& needed) {
      add_value_inputs(needed, inputs);
    }
  }
}

// Makes the values of all graph inputs that `needed` is computed from part of the key. Input shapes are known while
// planning, so the walk ends where only a shape is read.
void Network::add_value_inputs(const NeedsValue& needed, std::span<const TensorView> inputs) {
  std::vector<bool> wanted(graph_.values.size(), false);
  // A value the planner made itself is no argument of the graph's.
  if (static_cast<size_t>(needed.value) < wanted.size()) wanted[needed.value] = true;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    const bool read = std::any_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) { return wanted[id]; });
    if (!read || (node->op->flags & kShapeOnly)) continue;
    for (ValueId id : node->inputs) {
      if (id != kNoValue) wanted[id] = true;
    }
  }
  const std::lock_guard lock(mutex_);
  bool grown = false;
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    if (!wanted[graph_.inputs[i]]) continue;
    if (byte_count(inputs[i].dtype, inputs[i].shape) > kMaxValueBytes) {
      throw NodeError(concat(needed.what, ", but it is computed from the data of input '", inputs_[i].name, "'"));
    }
    grown = value_inputs_.insert(i).second || grown;
  }
  if (!grown) throw NodeError(needed.what + ", but it is only known when the network runs");
}

int Network::plan_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(plans_.size());
}

Network::Lease::Lease(Network& network, const Plan& plan) : network_(network) {
  {
    const std::lock_guard lock(network.mutex_);
    auto& pool = network.pool_;
    auto best = std::find_if(pool.begin(), pool.end(), [&](const auto& s) { return s->bound_to == plan.id; });
    if (best == pool.end() && !pool.empty()) best = pool.end() - 1;
    if (best != pool.end()) {
      std::swap(*best, pool.back());
      state_ = std::move(pool.back());
      pool.pop_back();
    }
  }
  if (!state_) {
    const std::lock_guard lock(network.mutex_);
    network.pool_.reserve(network.state_count_ + 1);  // so that giving it back cannot fail
    state_ = std::make_unique<RunState>();
    ++network.state_count_;
  }
  plan.bind(*state_);
}

Network::Lease::~Lease() {
  const std::lock_guard lock(network_.mutex_);
  network_.pool_.push_back(std::move(state_));
}

}  // namespace fastconv::graph
