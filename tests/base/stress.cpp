// Many callers, many small jobs, nested jobs, and children forked amid them: every chunk must run exactly once, and
// what it wrote must be seen by its caller. Built with and without ThreadSanitizer by test_thread_pool.py.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/threads.h"

namespace {

using fastconv::parallel_chunks;

bool one_job(int64_t count, int64_t chunks) {
  std::vector<int> runs(static_cast<size_t>(2 * count), 0);  // not atomic: the pool must order all accesses
  parallel_chunks(count, 1, chunks, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      parallel_chunks(2, 1, 2, [&](int64_t, int64_t first, int64_t last) {  // nested
        for (int64_t j = first; j < last; ++j) ++runs[static_cast<size_t>(2 * i + j)];
      });
    }
  });
  for (const int n : runs) {
    if (n != 1) return false;
  }
  return true;
}

bool jobs(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    if (!one_job(1 + i % 37, 2 + i % 7)) return false;
    if (i % 256 == 0) usleep(200);  // long enough for workers to go to sleep
  }
  return true;
}

bool in_a_child(int rounds) {
  const pid_t child = fork();
  if (child == 0) _exit(jobs(rounds) ? 0 : 1);
  int status = 1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  const bool forks = argc > 2;
  fastconv::set_num_threads(5);
  std::atomic<bool> right{true};
  std::vector<std::thread> callers;
  for (int i = 0; i < 24; ++i) {  // more than the pool has room for
    callers.emplace_back([&] {
      if (!jobs(rounds)) right = false;
    });
  }
  for (int i = 0; forks && i < 20; ++i) {
    if (!in_a_child(50)) right = false;
  }
  for (std::thread& caller : callers) caller.join();
  std::puts(right ? "right" : "wrong");
  return right ? 0 : 1;
}
