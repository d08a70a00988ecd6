// Running a plan: resolve addresses once per state, then step after step.
#include "graph/plan.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/verbose.h"

namespace fastconv::graph {

void Plan::bind(RunState& state) const {
  if (state.bound_to == id && state.arena.size() >= arena_bytes) return;
  state.bound_to = 0;
  if (state.arena.size() < arena_bytes) {
    state.arena = {};  // freed first: both need not exist at once
    state.arena = AlignedArray<std::byte>(arena_bytes);
  }
  state.pointers.assign(operands.size(), nullptr);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].kind == Location::Kind::arena) state.pointers[i] = state.arena.data() + operands[i].offset;
    if (operands[i].kind == Location::Kind::constant) {
      state.pointers[i] = const_cast<std::byte*>(operands[i].constant) + operands[i].offset;
    }
  }
  state.bound_to = id;
}

void Plan::set_borders(RunState& state, const void* const* inputs, void* const* outputs) const noexcept {
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto& [kind, index, offset, constant] = operands[i];
    if (kind == Location::Kind::input) {
      state.pointers[i] = static_cast<std::byte*>(const_cast<void*>(inputs[index])) + offset;
    }
    if (kind == Location::Kind::output) state.pointers[i] = static_cast<std::byte*>(outputs[index]) + offset;
  }
}

void Plan::run_step(const PlannedStep& step, RunState& state) const noexcept {
  void* const* operand = state.pointers.data() + step.first_operand;
  step.step->run({operand, operand + step.input_count, state.arena.data() + step.workspace_offset});
}

template <class Fn>
void Plan::walk(RunState& state, const Fn& fn) const noexcept {
  const auto move = [&state](const PlannedStretch& stretch, int64_t turns) {
    for (const auto& [operand, bytes] : stretch.walked) {
      state.pointers[operand] = static_cast<std::byte*>(state.pointers[operand]) + turns * bytes;
    }
  };
  for (const PlannedStretch& stretch : stretches) {
    for (int64_t turn = 0; turn < stretch.turns; ++turn) {
      for (size_t i = stretch.first; i < stretch.end; ++i) fn(i);
      move(stretch, 1);
    }
    move(stretch, -stretch.turns);
  }
}

void Plan::run(RunState& state, const void* const* inputs, void* const* outputs) const noexcept {
  const RunClock clock(verbose);
  set_borders(state, inputs, outputs);
  walk(state, [&](size_t i) { run_step(steps[i], state); });
  if (verbose) {
    std::fprintf(stderr, "fastconv: run of plan %llu: %.3f ms\n", static_cast<unsigned long long>(id), clock.ms());
  }
}

std::vector<double> Plan::time_steps(RunState& state, const void* const* inputs, void* const* outputs, int runs) const {
  using Clock = std::chrono::steady_clock;
  run(state, inputs, outputs);
  std::vector<std::vector<double>> times(steps.size(), std::vector<double>(runs, 0.0));
  for (int r = 0; r < runs; ++r) {
    walk(state, [&](size_t i) {
      const auto begin = Clock::now();
      run_step(steps[i], state);
      times[i][r] += std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    });
  }
  std::vector<double> medians;
  for (std::vector<double>& t : times) {
    std::nth_element(t.begin(), t.begin() + runs / 2, t.end());
    medians.push_back(t[runs / 2]);
  }
  return medians;
}

}  // namespace fastconv::graph
