// The AVX2 transpose: 8 x 8 in registers, in three rounds (pairs, quads, 128-bit halves) of eight shuffles.
#include "simd/avx2.h"

namespace fastconv {
namespace {

inline void transpose_block(simd::Vec (&rows)[8]) {
  __m256 pairs[8], quads[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i].v, rows[i + 1].v);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i].v, rows[i + 1].v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {  // quads[i + j]: column j (and j + 4 in the upper half) of rows i to i + 3
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {
    rows[i].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
    rows[i + 4].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
  }
}

}  // namespace
}  // namespace fastconv

#include "kernels/copy/generic.h"

namespace fastconv {

void transpose_x4__avx2(const CopyPanel& p) noexcept {
  transpose_panel(p);
}

}  // namespace fastconv
