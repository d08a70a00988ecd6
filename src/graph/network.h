// A Network: a graph made ready to run. It keeps a plan for each set of input shapes it has met (at most max_plans,
// the least recently used goes first), packed weights shared by all of them, and a pool of run states. A plan also
// belongs to the instruction set and the number of threads it was made for: it chose kernels and workspaces for them.
// Safe to use from many threads at once; nothing is locked while a plan runs.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "graph/pack_cache.h"
#include "graph/plan.h"

namespace fastconv::graph {

struct NetworkOptions {
  std::string precision = "highest";
  int max_plans = 8;
  std::map<std::string, std::string> algorithms{};  // see PlanOptions
  int64_t l2_bytes = 0;                             // see PlanOptions
};

class Network {
 public:
  // Runs the passes that need no shapes. ValueError where the graph or an option breaks a rule.
  Network(Graph graph, const NetworkOptions& options);

  const std::vector<TensorSpec>& inputs() const { return inputs_; }  // extents may be kDynamic
  // As far as they can be told before inputs arrive: extents may be kDynamic, and an output whose rank depends on
  // more than the inputs' shapes is absent.
  std::vector<std::optional<TensorSpec>> outputs() const;
  const std::vector<std::string>& output_names() const { return graph_.output_names; }

  // The plan for these inputs, made now or before. `data` is read only for inputs whose values shape the result
  // (a resize's sizes ...); it may be null elsewhere. ValueError or TypeError where an input or the graph breaks a
  // rule. Allocates nothing where the plan is there.
  std::shared_ptr<const Plan> plan(std::span<const TensorView> inputs);

  // Makes the plan now where all there is to know is known: every input's extents, and that no input's value shapes the
  // result. The first run only computes then. Throws as plan() does.
  void plan_ahead();

  // A run state bound to `plan`, taken from the pool and given back by the destructor. bad_alloc only when made.
  class Lease {
   public:
    Lease(Network& network, const Plan& plan);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    RunState& state() { return *state_; }

   private:
    Network& network_;
    std::unique_ptr<RunState> state_;
  };

  int plan_count() const;

 private:
  // A plan and what it was made for. Ranks are fixed, so the inputs' extents simply follow each other, and so do the
  // bytes of those whose values shape the result.
  struct Entry {
    Isa isa;
    int threads;
    Shape extents;
    std::vector<std::byte> values;
    std::shared_ptr<const Plan> plan;
  };

  std::optional<std::vector<TensorSpec>> probe(int64_t dynamic_extent) const;
  void check(std::span<const TensorView> inputs) const;
  bool fits(const Entry& entry, std::span<const TensorView> inputs) const;
  std::shared_ptr<const Plan> find(std::span<const TensorView> inputs);
  void insert(std::span<const TensorView> inputs, std::shared_ptr<const Plan> plan);
  std::shared_ptr<const Plan> make(std::span<const TensorView> inputs);
  void add_value_inputs(const NeedsValue& needed, std::span<const TensorView> inputs);

  Graph graph_;
  std::vector<TensorSpec> inputs_;
  PlanOptions options_;
  size_t max_plans_;

  std::mutex planning_;  // one plan is made at a time; guards cache_
  PackCache cache_;

  mutable std::mutex mutex_;       // guards what follows; never held for long
  std::list<Entry> plans_;         // most recently used first
  std::set<size_t> value_inputs_;  // positions of the inputs whose values are part of the key
  std::vector<std::unique_ptr<RunState>> pool_;
  size_t state_count_ = 0;  // made so far; pool_ has room for all of them
};

}  // namespace fastconv::graph
