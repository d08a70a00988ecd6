#include "base/openmp.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <chrono>

namespace fastconv::detail {
namespace {

// libgomp's interface to compiled code: fn(data) on a team of threads.
struct Runtime {
  void (*parallel)(void (*fn)(void*), void* data, unsigned threads, unsigned flags);
  int (*thread_num)();
  int (*num_threads)();
  int (*in_parallel)();
};

Runtime runtime;
std::atomic<bool> found{false};
std::atomic<int64_t> next_search{0};
std::atomic<bool> forked{false};
[[maybe_unused]] const int fork_watch = pthread_atfork(nullptr, nullptr, [] { forked.store(true); });

template <class Fn>
bool find(const char* name, Fn& fn) {
  fn = reinterpret_cast<Fn>(dlsym(RTLD_DEFAULT, name));
  return fn != nullptr;
}

bool is_there() {
  if (found.load(std::memory_order_acquire)) return true;
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  int64_t next = next_search.load(std::memory_order_relaxed);
  // One thread searches at a time.
  if (now < next || !next_search.compare_exchange_strong(next, now + 100, std::memory_order_acq_rel)) return false;
  Runtime candidate;
  if (!find("GOMP_parallel", candidate.parallel) || !find("omp_get_thread_num", candidate.thread_num) ||
      !find("omp_get_num_threads", candidate.num_threads) || !find("omp_in_parallel", candidate.in_parallel)) {
    return false;
  }
  runtime = candidate;
  found.store(true, std::memory_order_release);
  return true;
}

}  // namespace

bool run_on_openmp(int64_t chunks, void (*body)(void*, int64_t), void* context) noexcept {
  if (forked.load(std::memory_order_relaxed) || !is_there()) return false;
  struct Work {
    int64_t chunks;
    void (*body)(void*, int64_t);
    void* context;
  } work{chunks, body, context};
  if (runtime.in_parallel()) {
    for (int64_t i = 0; i < chunks; ++i) body(context, i);
    return true;
  }
  runtime.parallel(
      [](void* data) {
        const Work& w = *static_cast<Work*>(data);
        const int64_t threads = runtime.num_threads();  // maybe fewer than asked for
        for (int64_t i = runtime.thread_num(); i < w.chunks; i += threads) w.body(w.context, i);
      },
      &work, static_cast<unsigned>(chunks), 0);
  return true;
}

}  // namespace fastconv::detail
