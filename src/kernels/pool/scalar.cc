// The portable pooling kernels, and the maximum with its index, which torch's unpooling wants and no fast path needs.
#include "simd/scalar.h"

#include "kernels/pool/generic.h"

namespace fastconv {

void max_pool_f32__scalar(const PoolRow& row) noexcept {
  pool_row<Max>(row);
}
void avg_pool_f32__scalar(const PoolRow& row) noexcept {
  pool_row<Mean>(row);
}

void max_pool_index_f32__scalar(const PoolRow& row) noexcept {
  for (int64_t p = 0; p < row.count; ++p) {
    const PoolSpan& span_w = row.span_w[p];
    float* best = row.dst + p * row.dst_pixel;
    int64_t* index = row.indices + p * row.index_pixel;
    bool first = true;
    for (int64_t c = 0; c < row.channels; ++c) best[c] = -__builtin_inff(), index[c] = -1;
    for (int64_t i = 0; i < row.span_d.taps; ++i) {
      for (int64_t j = 0; j < row.span_h.taps; ++j) {
        for (int64_t k = 0; k < span_w.taps; ++k, first = false) {
          const int64_t d = row.span_d.first + i * row.step[0], h = row.span_h.first + j * row.step[1],
                        w = span_w.first + k * row.step[2];
          const float* src = row.src + d * row.src_stride[0] + h * row.src_stride[1] + w * row.src_stride[2];
          const int64_t place =
              row.index_base + d * row.index_stride[0] + h * row.index_stride[1] + w * row.index_stride[2];
          for (int64_t c = 0; c < row.channels; ++c) {
            const float x = src[c];
            const bool wins = x > best[c] || x != x || first;
            best[c] = wins ? x : best[c];
            index[c] = wins ? place + c * row.index_channel : index[c];
          }
        }
      }
    }
  }
}

}  // namespace fastconv
