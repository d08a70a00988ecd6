#include "kernels/gemm/pack.h"

#include <algorithm>

#include "base/threads.h"

namespace fastconv {

void pack_f32(const PackSource& s, int64_t nr, float* packed) noexcept {
  const int64_t rows = s.taps * s.k, panels = (s.columns + nr - 1) / nr;
  parallel_for(panels, 1 + (1 << 16) / (rows * nr + 1), [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      float* to = packed + panel * rows * nr;
      const int64_t first = panel * nr, count = std::min(nr, s.columns - first);
      if (count < nr) std::fill(to, to + rows * nr, 0.0f);
      // Columns outside: the source is read along its longest contiguous run, and the panel stays in L2.
      for (int64_t j = 0; j < count; ++j) {
        const float* from = s.src + (first + j) * s.column_stride;
        for (int64_t k = 0; k < s.k; ++k) {
          for (int64_t t = 0; t < s.taps; ++t) {
            to[(t * s.k + k) * nr + j] = from[t * s.tap_stride + k * s.k_stride];
          }
        }
      }
    }
  });
}

}  // namespace fastconv
