// The AVX-512 transpose: 16 x 16 in registers, in four rounds (pairs, quads, 128-bit lanes twice) of sixteen shuffles;
// and of few rows, an image's colours, whose columns lie side by side: each vector that is stored is picked from
// theirs.
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
namespace {

// Whole vectors of columns; returns how many columns those are. 3@224, 0.6 MB: 67 us as blocks of 16 rows, 16 as this.
// Zen 5, one thread, November 2026: fastconv profile mobilenet_v2 --threads 1
template <int R>
int64_t transpose_few(const CopyPanel& p) {
  constexpr int W = 16;
  __m512i lanes[R];   // of the rows' pairs
  __mmask16 high[R];  // the second pair's
  for (int v = 0; v < R; ++v) {
    alignas(64) int32_t lane[W];
    unsigned mask = 0;
    for (int i = 0; i < W; ++i) {
      const int col = (v * W + i) / R, row = (v * W + i) % R;
      lane[i] = col + row % 2 * W;
      mask |= static_cast<unsigned>(row / 2) << i;
    }
    lanes[v] = _mm512_loadu_si512(lane);
    high[v] = static_cast<__mmask16>(mask);
  }
  const float* src = reinterpret_cast<const float*>(p.src);
  float* dst = reinterpret_cast<float*>(p.dst);
  int64_t c = 0;
  for (; c + W <= p.cols; c += W) {
    __m512 rows[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) rows[r] = _mm512_loadu_ps(src + (r < R ? r : R - 1) * p.src_row + c);
#pragma GCC unroll 4
    for (int v = 0; v < R; ++v) {
      __m512 x = _mm512_permutex2var_ps(rows[0], lanes[v], rows[1]);
      if (R > 2) x = _mm512_mask_blend_ps(high[v], x, _mm512_permutex2var_ps(rows[2], lanes[v], rows[3]));
      _mm512_storeu_ps(dst + c * R + v * W, x);
    }
  }
  return c;
}

}  // namespace

void transpose_x4__avx512(const CopyPanel& p) noexcept {
  int64_t done = 0;
  if (p.dst_col == p.rows) {
    if (p.rows == 2) done = transpose_few<2>(p);
    if (p.rows == 3) done = transpose_few<3>(p);
    if (p.rows == 4) done = transpose_few<4>(p);
  }
  CopyPanel rest = p;
  rest.src += done * p.element_size;
  rest.dst += done * p.dst_col * p.element_size;
  rest.cols -= done;
  transpose_panel(rest);
}

}  // namespace fastconv
