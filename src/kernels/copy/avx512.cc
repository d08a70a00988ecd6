// The AVX-512 transpose: 16 x 16 in registers, in four rounds (pairs, quads, 128-bit lanes twice) of sixteen shuffles.
#include "simd/avx512.h"

namespace fastconv {
namespace {

inline void transpose_block(simd::Vec (&rows)[16]) {
  __m512 pairs[16], quads[16], halves[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i].v, rows[i + 1].v);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i].v, rows[i + 1].v);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {  // quads[i + j], lane l: column 4 l + j of rows i to i + 3
    quads[i] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
    quads[i + 2] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
  }
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {  // halves: lanes (0, 2) and (1, 3) of two groups of rows
    halves[j] = _mm512_shuffle_f32x4(quads[j], quads[j + 4], 0x88);
    halves[j + 4] = _mm512_shuffle_f32x4(quads[j], quads[j + 4], 0xDD);
    halves[j + 8] = _mm512_shuffle_f32x4(quads[j + 8], quads[j + 12], 0x88);
    halves[j + 12] = _mm512_shuffle_f32x4(quads[j + 8], quads[j + 12], 0xDD);
  }
#pragma GCC unroll 16
  for (int j = 0; j < 8; ++j) {
    rows[j].v = _mm512_shuffle_f32x4(halves[j], halves[j + 8], 0x88);
    rows[j + 8].v = _mm512_shuffle_f32x4(halves[j], halves[j + 8], 0xDD);
  }
}

}  // namespace
}  // namespace fastconv

#include "kernels/copy/generic.h"

namespace fastconv {

void transpose_x4__avx512(const CopyPanel& p) noexcept {
  transpose_panel(p);
}

}  // namespace fastconv
