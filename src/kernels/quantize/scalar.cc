// The portable conversion.
#include "kernels/quantize/quantize.h"

namespace fastconv {

void quantize_f32bf16__scalar(const QuantizeBf16Args& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const float* src = a.src + row * a.src_stride;
    Bf16Pair* dst = a.dst + row * a.dst_stride;
    for (int64_t i = 0; i < a.columns; i += 2) {
      uint16_t even[kMostPieces] = {}, odd[kMostPieces] = {};
      split_bf16(src[i], a.pieces, even);
      if (i + 1 < a.columns) split_bf16(src[i + 1], a.pieces, odd);
      for (int piece = 0; piece < a.pieces; ++piece) dst[piece * a.piece_stride + i / 2] = {even[piece], odd[piece]};
    }
  }
}

}  // namespace fastconv
