// The portable conversion.
#include "kernels/quantize/quantize.h"

namespace fastconv {

void quantize_f32bf16__scalar(const QuantizeBf16Args& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const float* src = a.src + row * a.src_stride;
    Bf16Pair* dst = a.dst + row * a.dst_stride;
    for (int64_t i = 0; i < a.columns; i += 2) {
      dst[i / 2] = {to_bf16(src[i]), to_bf16(i + 1 < a.columns ? src[i + 1] : 0.0f)};
    }
  }
}

}  // namespace fastconv
