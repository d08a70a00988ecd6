// What happens to an output value before it is stored: y = function(sum + bias + residual). One POD for every family
// that produces convolution outputs. Pointers are those of the call's first column and row.
#pragma once

#include <cstdint>

#include "kernels/elementwise/function.h"

namespace fastconv {

// Functions that every kernel applies to sums before it stores them; others it may apply to what it has stored.
static constexpr bool at_most_clamps(FunctionCall call) {
  return call.function == Function::identity || call.function == Function::clamp;
}

struct Epilogue {
  const float* bias = nullptr;      // one per column, or null
  const float* residual = nullptr;  // a matrix like dst (may be dst itself: then this accumulates), or null
  int64_t residual_stride = 0;      // elements between its rows
  FunctionCall call;
  bool stream = false;  // past the caches: dst and its strides are of whole cache lines, and the caller sees to a fence
};

// Outputs beyond the caches cost twice to write, since each line is first read from there; past the caches they do not.
// Whether outputs of so many bytes are to be streamed: whole lines of them, of which nothing is read again. What reads
// them next finds them in memory.
bool streams_outputs(int64_t bytes, int64_t channels, int64_t pixel_stride, FunctionCall call) noexcept;
inline bool at_a_line(const float* dst) {
  return reinterpret_cast<uintptr_t>(dst) % 64 == 0;
}
// After a thread's last streamed output: other threads see them from here on.
void fence_streams() noexcept;

}  // namespace fastconv
