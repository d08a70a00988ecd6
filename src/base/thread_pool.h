// The process's worker threads, shared by all callers. Called by threads.h alone; start reading there.
//
// A caller offers its chunks, runs the first one, takes back those that nobody has begun, and waits for the rest. So a
// worker that cannot run, because another program or another pool holds its core, or because it still sleeps, costs
// nothing but the parallelism. Workers look for more for some tens of microseconds, then sleep. Where another library
// brought OpenMP into the process, its threads are used instead: see openmp.h.
#pragma once

#include <cstdint>

namespace fastconv::detail {

inline constexpr int kMostThreads = 1024;

// Calls body(context, chunk) for every chunk in [0, chunks), 2 <= chunks <= kMostThreads, each once, on this thread and
// on workers. Returns when all are done. Calls from inside a chunk run on the calling thread.
void run_chunks(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) noexcept;

}  // namespace fastconv::detail
