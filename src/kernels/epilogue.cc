#include "kernels/epilogue.h"

#include <atomic>

#include "base/cpu.h"

namespace fastconv {

bool streams_outputs(int64_t bytes, int64_t channels, int64_t pixel_stride, FunctionCall call) noexcept {
  // Alone, layers gain from 2 MB on: 16@256 to 96 2.40 ms and, past the caches, 0.92; 3@300 to 64 2.30 and 1.35; 64@147
  // to 128 1.80 and 1.47; 64@224 to 64, by Winograd, 6.05 and 5.68. In networks what comes next reads from memory then:
  // U-Net 1.06x, VGG-16 1.02x; but MobileNetV2's 4.8 MB, which the third cache would have kept, 0.90x to 0.97x. Zen 5,
  // 1 MB of L2, one thread, November 2026: fastconv bench conv, profile() of fc.compile.
  constexpr int64_t kCaches = 8;
  constexpr int64_t kLine = 16;  // floats
  return bytes >= kCaches * cpu_info().l2_bytes && at_most_clamps(call) && channels % kLine == 0 &&
         pixel_stride % kLine == 0;
}

void fence_streams() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace fastconv
