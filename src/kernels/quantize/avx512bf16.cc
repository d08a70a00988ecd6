// The conversion on AVX512-BF16, 32 values at a time.
#include "simd/avx512.h"

#include "kernels/quantize/quantize.h"

namespace fastconv {
namespace {

// The instruction rounds the largest finite values to Inf: they are held to the largest bfloat16 before.
inline __m512 held(__m512 x) {
  const __m512 most = _mm512_castsi512_ps(_mm512_set1_epi32(0x7F7F0000));
  const __m512 least = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(0xFF7F0000)));
  const __m512 largest = _mm512_castsi512_ps(_mm512_set1_epi32(0x7F7FFFFF));
  const __mmask16 finite = _mm512_cmp_ps_mask(_mm512_abs_ps(x), largest, _CMP_LE_OQ);
  return _mm512_mask_max_ps(x, finite, _mm512_mask_min_ps(x, finite, x, most), least);
}

// What a piece leaves of x; nothing of what is not finite.
inline __m512 left_of(__m512 x, __m256i piece) {
  const __m512 left = _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(piece), 16)));
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(left, left, _CMP_ORD_Q), _mm512_setzero_ps(), left);
}

inline __m512 held_left(__m512 left) {
  return _mm512_min_ps(_mm512_max_ps(left, _mm512_set1_ps(-kMostLeft)), _mm512_set1_ps(kMostLeft));
}

inline __m512i converted(__m512 low, __m512 high) {
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// 32 values, `low` before `high`. Calls store(piece, pairs).
template <int kPieces, class Store>
inline void convert(__m512 low, __m512 high, const Store& store) {
  __m512i pairs = converted(held(low), held(high));
  store(0, pairs);
#pragma GCC unroll 2
  for (int piece = 1; piece < kPieces; ++piece) {
    low = left_of(low, _mm512_castsi512_si256(pairs));
    high = left_of(high, _mm512_extracti64x4_epi64(pairs, 1));
    pairs = converted(held_left(low), held_left(high));
    store(piece, pairs);
  }
}

// Pixels of one or three channels, side by side: 16 or 8 of them fill 32 lanes with the zeros between. Gives how many
// were converted.
template <int kPieces>
int64_t convert_pixels(const QuantizeBf16Args& a) {
  const bool gray = a.columns == 1;
  if (!gray && a.columns != 3) return 0;
  if (a.src_stride != a.columns || a.dst_stride != (a.columns + 1) / 2) return 0;
  const __mmask16 lanes = gray ? 0x5555 : 0x7777;
  const int64_t pixels = gray ? 8 : 4, values = pixels * a.columns;  // of a vector
  const int64_t end = a.rows * a.columns - 16 - values;
  const float* from = a.src;
  Bf16Pair* to = a.dst;
  int64_t done = 0;
  for (; done * a.columns <= end; done += 2 * pixels, from += 2 * values, to += 16) {
    const __m512 low = _mm512_maskz_expand_ps(lanes, _mm512_loadu_ps(from));
    const __m512 high = _mm512_maskz_expand_ps(lanes, _mm512_loadu_ps(from + values));
    convert<kPieces>(low, high,
                     [&](int piece, __m512i pairs) { _mm512_storeu_si512(to + piece * a.piece_stride, pairs); });
  }
  return done;
}

// `a`: a copy, in registers. To the compiler a store of pairs may change what a reference names, which would be read
// again in each row: rows of 32 values took 1.14 ns for 0.93. (Zen 5, November 2026, in L1; long rows take 0.77.)
template <int kPieces>
void quantize(QuantizeBf16Args a) {
  constexpr int64_t kStep = 32;
  if (a.src_stride == a.columns && 2 * a.dst_stride == a.columns) {  // rows side by side are one
    a.columns *= a.rows;
    a.rows = 1;
  }
  const int64_t whole = a.columns / kStep * kStep, rest = a.columns - whole;
  const int64_t low = rest < 16 ? rest : 16;
  for (int64_t row = convert_pixels<kPieces>(a); row < a.rows; ++row) {
    const float* src = a.src + row * a.src_stride;
    Bf16Pair* dst = a.dst + row * a.dst_stride;
    for (int64_t i = 0; i < whole; i += kStep) {
      convert<kPieces>(_mm512_loadu_ps(src + i), _mm512_loadu_ps(src + i + 16), [&](int piece, __m512i pairs) {
        _mm512_storeu_si512(dst + piece * a.piece_stride + i / 2, pairs);
      });
    }
    if (rest) {
      const float* from = src + whole;
      const __mmask16 lanes = simd::first_lanes((rest + 1) / 2);
      convert<kPieces>(simd::load_n(from, low).v, simd::load_n(from + low, rest - low).v,
                       [&](int piece, __m512i pairs) {
                         _mm512_mask_storeu_epi32(dst + piece * a.piece_stride + whole / 2, lanes, pairs);
                       });
    }
  }
}

}  // namespace

void quantize_f32bf16__avx512bf16(const QuantizeBf16Args& a) {
  with_pieces(a.pieces, [&](auto pieces) { quantize<pieces.value>(a); });
}

}  // namespace fastconv
