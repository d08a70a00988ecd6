// A Network: a graph made ready to run. It keeps a plan for each set of input shapes it has met (at most max_plans,
// the least recently used goes first), packed weights shared by all of them, and a pool of run states.
// Safe to use from many threads at once; nothing is locked while a plan runs.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "graph/pack_cache.h"
#include "graph/plan.h"

namespace fastconv::graph {

struct NetworkOptions {
  std::string precision = "highest";
  int max_plans = 8;
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
  // rule.
  std::shared_ptr<const Plan> plan(const std::vector<TensorView>& inputs);

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
  using Key = std::vector<int64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const Plan> plan;
  };

  std::optional<std::vector<TensorSpec>> probe(int64_t dynamic_extent) const;
  void check(const std::vector<TensorView>& inputs) const;
  Key key_of(const std::vector<TensorView>& inputs) const;
  std::shared_ptr<const Plan> find(const Key& key);
  void insert(Key key, std::shared_ptr<const Plan> plan);
  std::shared_ptr<const Plan> make(const std::vector<TensorView>& inputs);
  void add_value_inputs(const NeedsValue& needed, const std::vector<TensorView>& inputs);

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
};

}  // namespace fastconv::graph
