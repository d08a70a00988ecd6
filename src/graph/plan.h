// A plan: a graph made ready for one set of input shapes. Immutable; many threads run it at a time, each with a
// RunState of its own. Made by planner.cc, kept by Network.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/memory_plan.h"
#include "graph/op.h"

namespace fastconv::graph {

struct TensorSpec {
  std::string name;
  DType dtype;
  Shape shape;
};

// A tensor as a caller gives it: dense, in plain format, aligned to its elements. `shape` is the caller's memory too.
struct TensorView {
  DType dtype;
  std::span<const int64_t> shape;
  const void* data = nullptr;
};

struct PlannedStep {
  std::unique_ptr<Step> step;
  std::string name;
  const OpDef* op;
  std::string epilogue;  // what a layer took in, for profiles: "add relu"
  int first_operand;     // in Plan::operands: the inputs, then the outputs
  int input_count;
  int64_t workspace_offset;
  int64_t turns;      // how often a run takes the step: 1 where it is for the whole batch
  int64_t bytes;      // read and written by a run
  TensorSpec output;  // of the first output, for profiles
  Format format;      // of the first output
  double flops() const { return step->flops() * static_cast<double>(turns); }
};

// Steps that a run takes in turns (see images.h).
struct PlannedStretch {
  size_t first, end;  // steps [first, end)
  int64_t turns;      // 1 where they are for the whole batch
  // Operands that lie in the whole batch, and bytes from one turn's images to the next one's.
  std::vector<std::pair<size_t, int64_t>> walked{};
};

// What one run needs besides the plan: an arena and the resolved addresses. Reused from run to run.
struct RunState {
  AlignedArray<std::byte> arena;
  std::vector<void*> pointers;  // one per operand
  uint64_t bound_to = 0;        // the id of the plan the pointers were resolved for
};

struct Plan {
  uint64_t id = 0;       // never used twice in a process; 0 is no plan
  bool verbose = false;  // whether runs are told of on stderr
  std::vector<PlannedStep> steps;
  std::vector<PlannedStretch> stretches;  // of all steps, in order
  std::vector<Location> operands;
  std::vector<TensorSpec> outputs;
  std::vector<ConstantBytes> constants;  // what the operands point into
  int64_t arena_bytes = 0;
  int64_t unshared_bytes = 0;   // the arena if nothing were reused
  int64_t workspace_bytes = 0;  // the largest step's
  int64_t constants_bytes = 0;  // of all that steps read or hold in packed form

  // Makes `state` fit this plan; allocates only where its arena is too small or it served another plan before.
  void bind(RunState& state) const;
  // Runs all steps. `state` must be bound; inputs and outputs as Network's inputs and this->outputs say.
  void run(RunState& state, const void* const* inputs, void* const* outputs) const noexcept;
  // Milliseconds of each step: the median of `runs` runs, after one that is not counted.
  std::vector<double> time_steps(RunState& state, const void* const* inputs, void* const* outputs, int runs) const;

 private:
  void set_borders(RunState& state, const void* const* inputs, void* const* outputs) const noexcept;
  void run_step(const PlannedStep& step, RunState& state) const noexcept;
  // Calls fn(index of a step) for all steps and turns; operands are where each turn wants them meanwhile.
  template <class Fn>
  void walk(RunState& state, const Fn& fn) const noexcept;
};

// `graph`'s inputs must have concrete shapes; inputs with a constant are known values. Throws ValueError, TypeError or
// NeedsValue (whose value id is one of `graph`'s).
std::shared_ptr<const Plan> make_plan(Graph graph, const PlanOptions& options, PackCache& cache);

}  // namespace fastconv::graph
