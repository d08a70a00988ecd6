#include "base/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "base/openmp.h"

namespace fastconv::detail {
namespace {

using Clock = std::chrono::steady_clock;

// How long a worker looks for work, and a caller for the end of it, before it sleeps: longer than what lies between two
// layers of a network, shorter than what anybody else would miss.
constexpr std::chrono::microseconds kPatience{50};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until ready() or impatient; the clock is asked now and then only.
template <class Ready>
bool spin(const Ready& ready) {
  const Clock::time_point end = Clock::now() + kPatience;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (Clock::now() < end);
  return false;
}

// One caller's chunks. Jobs are used again and again, so each use has a number, and a chunk is claimed by writing the
// number of its job into it: what a worker read of an earlier use claims nothing in a later one.
struct alignas(64) Job {
  std::atomic<bool> taken{false};
  std::atomic<uint64_t> offer{0};  // number << 16 | chunks; no chunks: nothing to do
  void (*body)(void*, int64_t) = nullptr;
  void* context = nullptr;
  alignas(64) std::atomic<int> unfinished{0};
  std::atomic<uint32_t> claims[kMostThreads]{};

  bool claim(uint32_t number, int64_t chunk) {
    uint32_t last = claims[chunk].load(std::memory_order_relaxed);
    while (static_cast<int32_t>(number - last) > 0) {  // numbers may wrap
      if (claims[chunk].compare_exchange_weak(last, number, std::memory_order_acq_rel)) return true;
    }
    return false;
  }
};

thread_local bool inside_chunk = false;

class Pool {
 public:
  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) noexcept {
    Job* const job = take_job();
    if (!job) {  // more callers than jobs: enough is going on
      for (int64_t i = 0; i < chunks; ++i) body(context, i);
      return;
    }
    start_workers(static_cast<int>(chunks) - 1);
    const auto number = static_cast<uint32_t>((job->offer.load(std::memory_order_relaxed) >> 16) + 1);
    job->body = body;
    job->context = context;
    job->unfinished.store(static_cast<int>(chunks), std::memory_order_relaxed);
    job->claims[0].store(number, std::memory_order_relaxed);
    job->offer.store(uint64_t{number} << 16 | static_cast<uint64_t>(chunks), std::memory_order_release);
    offers_.fetch_add(1, std::memory_order_seq_cst);
    const int sleepers = sleepers_.load(std::memory_order_seq_cst);
    for (int i = 0; i < sleepers && i + 1 < chunks; ++i) offers_.notify_one();

    inside_chunk = true;
    body(context, 0);
    finish(*job);
    help(*job, 0);
    inside_chunk = false;
    spin([&] { return job->unfinished.load(std::memory_order_acquire) == 0; });
    for (int left; (left = job->unfinished.load(std::memory_order_acquire)) != 0;) job->unfinished.wait(left);
    job->offer.store(uint64_t{number} << 16, std::memory_order_relaxed);
    job->taken.store(false, std::memory_order_release);
  }

 private:
  Job* take_job() {
    for (Job& job : jobs_) {
      bool taken = job.taken.load(std::memory_order_relaxed);
      if (!taken && job.taken.compare_exchange_strong(taken, true, std::memory_order_acquire)) return &job;
    }
    return nullptr;
  }

  // Runs the job's chunks that nobody has begun, from its `preferred` one on: the part of the work that this thread had
  // in the layer before is in its cache. Returns whether there was any.
  bool help(Job& job, int64_t preferred) {
    const uint64_t offer = job.offer.load(std::memory_order_acquire);
    const auto number = static_cast<uint32_t>(offer >> 16);
    const auto chunks = static_cast<int64_t>(offer & 0xFFFF);
    bool helped = false;
    for (int64_t i = 0; i < chunks; ++i) {
      const int64_t chunk = (preferred + i) % chunks;
      if (!job.claim(number, chunk)) continue;
      job.body(job.context, chunk);
      finish(job);
      helped = true;
    }
    return helped;
  }

  static void finish(Job& job) {
    if (job.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) job.unfinished.notify_one();
  }

  [[noreturn]] void work(int index) {
    inside_chunk = true;
    for (;;) {
      const int offers = offers_.load(std::memory_order_seq_cst);
      bool helped = false;
      for (Job& job : jobs_) helped |= help(job, index);
      const auto more = [&] { return offers_.load(std::memory_order_relaxed) != offers; };
      if (helped || spin(more)) continue;
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      offers_.wait(offers, std::memory_order_seq_cst);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  // Where the system refuses a thread, those that there are do the work.
  void start_workers(int count) noexcept {
    if (started_.load(std::memory_order_relaxed) >= count) return;
    const std::lock_guard lock(starting_);
    sigset_t all, before;  // signals are for the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int index = started_.load(std::memory_order_relaxed) + 1; index <= count; ++index) {
      try {
        std::thread([this, index] { work(index); }).detach();
      } catch (const std::exception&) {  // no thread, or no memory for one
        break;
      }
      started_.store(index, std::memory_order_relaxed);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  static constexpr int kJobs = 16;
  Job jobs_[kJobs];
  alignas(64) std::atomic<int> offers_{0};  // counts them; workers sleep on it
  std::atomic<int> sleepers_{0};
  std::atomic<int> started_{0};
  std::mutex starting_;
};

// Never destroyed: workers run until the process ends. A forked child has no workers, and whatever the parent's other
// threads were about in its copy of the pool will never end: it starts with a new one.
std::atomic<Pool*> pool{nullptr};
[[maybe_unused]] const int fork_watch = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });

Pool* get_pool() noexcept {
  Pool* current = pool.load(std::memory_order_acquire);
  if (current) return current;
  Pool* const fresh = new (std::nothrow) Pool;
  if (fresh && !pool.compare_exchange_strong(current, fresh, std::memory_order_acq_rel)) {
    delete fresh;  // another thread was first
    return current;
  }
  return fresh;
}

}  // namespace

void run_chunks(int64_t chunks, void (*body)(void*, int64_t), void* context) noexcept {
  if (!inside_chunk) {
    if (run_on_openmp(chunks, body, context)) return;
    if (Pool* const workers = get_pool()) return workers->run(chunks, body, context);
  }
  for (int64_t i = 0; i < chunks; ++i) body(context, i);
}

}  // namespace fastconv::detail
