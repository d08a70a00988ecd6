// The threads of an OpenMP runtime that another library brought into the process, as PyTorch does: libgomp. Its
// threads look for work for milliseconds after each of that library's calls, on cores that ours would need; so where it
// is there, its threads do our work too. We are not linked to it. Called by thread_pool.cc.
#pragma once

#include <cstdint>

namespace fastconv::detail {

// As run_chunks(), on that runtime's threads; false, and nothing done, where there is none, or in a forked child, which
// its threads do not survive. Looks for one ten times a second until one is found.
bool run_on_openmp(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) noexcept;

}  // namespace fastconv::detail
