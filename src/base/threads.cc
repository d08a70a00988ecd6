// How many threads a process may use (affinity, container quota), and how work in two dimensions is cut.
#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/checks.h"

namespace fastconv {
namespace {

using detail::kMostThreads;

std::atomic<int> chosen_threads{0};
thread_local int thread_limit = 0;

int positive_env(const char* name) {
  const char* text = std::getenv(name);
  const int value = text ? std::atoi(text) : 0;
  return value > 0 ? std::min(value, kMostThreads) : 0;
}

int affinity_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// A container's CPU quota (cgroup v2, then v1), rounded up; a large number where there is none.
int quota_count() {
  double quota = 0, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lf %lf", &quota, &period) != 2) quota = 0;  // "max": no quota
    std::fclose(file);
  } else {
    auto read = [](const char* path) {
      double value = 0;
      if (FILE* f = std::fopen(path, "r")) {
        if (std::fscanf(f, "%lf", &value) != 1) value = 0;
        std::fclose(f);
      }
      return value;
    };
    quota = read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    period = read("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  }
  if (quota <= 0 || period <= 0) return 1 << 20;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

int default_threads() {
  if (const int n = positive_env("FASTCONV_NUM_THREADS")) return n;
  if (const int n = positive_env("OMP_NUM_THREADS")) return n;
  return std::min(affinity_count(), quota_count());
}

}  // namespace

int num_threads() {
  if (thread_limit > 0) return thread_limit;
  int count = chosen_threads.load(std::memory_order_relaxed);
  if (count == 0) {
    count = default_threads();
    chosen_threads.store(count, std::memory_order_relaxed);
  }
  return count;
}

void set_num_threads(int64_t count) {
  if (count < 1 || count > kMostThreads) {
    value_error("set_num_threads: count must be 1 to ", kMostThreads, ", got ", count);
  }
  chosen_threads.store(static_cast<int>(count), std::memory_order_relaxed);
}

int limit_threads(int count) {
  if (count < 0) value_error("limit_threads: count must be >= 0, got ", count);
  return std::exchange(thread_limit, count);
}

namespace detail {

int64_t grid_rows(int64_t rows, int64_t columns, int64_t threads, Along along) noexcept {
  int64_t best = 1, best_cells = 0;
  for (int64_t pieces = 1; pieces <= std::min(rows, threads); ++pieces) {
    const int64_t others = std::min(columns, threads / pieces);
    const int64_t cells = ((rows + pieces - 1) / pieces) * ((columns + others - 1) / others);
    if (pieces == 1 || cells < best_cells || (cells == best_cells && along == Along::rows)) {
      best = pieces;
      best_cells = cells;
    }
  }
  return best;
}

}  // namespace detail
}  // namespace fastconv
