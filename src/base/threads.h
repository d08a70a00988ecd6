// Threads: how many to use, and one primitive to use them. The only file that knows OpenMP is threads.cc.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fastconv {

// Threads used by runs: set_num_threads > FASTCONV_NUM_THREADS > OMP_NUM_THREADS > min(affinity, cgroup quota).
int num_threads();
void set_num_threads(int count);  // ValueError where count < 1

// True in a forked child of a process that had already started its pool: runs there use one thread, because the
// pool's threads did not survive the fork.
bool forked_after_use();

namespace detail {
void parallel_run(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) noexcept;
}

// Calls fn(begin, end) on contiguous, disjoint ranges that cover [0, count); at most num_threads() ranges, each of at
// least `grain` items. Ranges never change what is summed in which order: fn must treat items independently.
// fn must not throw. Nested calls run on the calling thread.
template <class Fn>
void parallel_for(int64_t count, int64_t grain, const Fn& fn) noexcept {
  if (count <= 0) return;
  const int64_t most = (count + grain - 1) / grain;
  const int64_t chunks = most < num_threads() ? most : num_threads();
  if (chunks <= 1) {
    fn(int64_t{0}, count);
    return;
  }
  struct Context {
    const Fn* fn;
    int64_t count, chunks;
  } context{&fn, count, chunks};
  detail::parallel_run(
      chunks,
      [](void* raw, int64_t chunk) {
        const Context& c = *static_cast<Context*>(raw);
        const int64_t begin = c.count * chunk / c.chunks, end = c.count * (chunk + 1) / c.chunks;
        if (begin < end) (*c.fn)(begin, end);
      },
      &context);
}

}  // namespace fastconv
