// The portable conversion.
#include "kernels/quantize/quantize.h"

namespace fastconv {
namespace {

template <int kPieces>
void quantize(const QuantizeBf16Args& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const float* src = a.src + row * a.src_stride;
    Bf16Pair* dst = a.dst + row * a.dst_stride;
    for (int64_t i = 0; i < a.columns; i += 2) {
      uint16_t even[kPieces], odd[kPieces];
      split_bf16(src[i], kPieces, even);
      split_bf16(i + 1 < a.columns ? src[i + 1] : 0.0f, kPieces, odd);
      for (int piece = 0; piece < kPieces; ++piece) dst[piece * a.piece_stride + i / 2] = {even[piece], odd[piece]};
    }
  }
}

}  // namespace

void quantize_f32bf16__scalar(const QuantizeBf16Args& a) {
  with_pieces(a.pieces, [&](auto pieces) { quantize<pieces.value>(a); });
}

}  // namespace fastconv
