// The one table of kernels. A family lists its rows in its kernels.inc; choice, tests, benchmarks and
// `fastconv.kernels()` are loops over them. Start reading at gemm/kernels.inc for what a row looks like.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/cpu.h"

namespace fastconv {

// What every row has, whatever its family: its name `family_types_MRxNR__isa`, and how often it ran (a run is one
// call of a kernel by a plan; tests prove with it that a kernel was really taken).
struct KernelInfo {
  const char* name;
  const char* family;
  Isa isa;
  mutable std::atomic<uint64_t> runs{0};

  KernelInfo(const char* name, const char* family, Isa isa) : name(name), family(family), isa(isa) {}
  void count_run() const { runs.fetch_add(1, std::memory_order_relaxed); }
};

// A typed row: a family's table is an array of Kernel<its function type>.
template <class Fn>
struct Kernel : KernelInfo {
  Fn* fn;
  Kernel(const char* name, const char* family, Isa isa, Fn* fn) : KernelInfo(name, family, isa), fn(fn) {}
};

// The row of a family's table for the best instruction set that is at most `isa`; every family has a scalar row.
template <class Row, int N>
const Row& choose_kernel(const Row (&rows)[N], Isa isa) {
  const Row* best = &rows[0];
  for (const Row& row : rows) {
    if (row.isa <= isa && row.isa > best->isa) best = &row;
  }
  return *best;
}

// All rows of all families, in table order.
const std::vector<const KernelInfo*>& all_kernels();

// Called once by each family's table when the library is loaded.
struct RegisterKernels {
  template <class Row, int N>
  explicit RegisterKernels(const Row (&rows)[N]) {
    for (const Row& row : rows) add(&row);
  }
  static void add(const KernelInfo* row);
};

}  // namespace fastconv
