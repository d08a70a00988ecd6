#include "kernels/gemm/pack.h"

#include <algorithm>

#include "base/checks.h"
#include "base/threads.h"
#include "kernels/gemm/gemm.h"

namespace fastconv {
namespace {

// Floats of a block that is gathered before it is written: a third of an L1 cache. Columns of weights often lie a
// multiple of a large power of two apart; read together they would push each other out of their cache set.
constexpr int64_t kBlock = 4096;

struct Range {
  int64_t begin, count;
};

void put(float* to, const PackLayout&, int64_t, const float* block, int64_t, bool) {
  *to = *block;
}
// The least piece first, `stride` elements before the next larger.
void put(Bf16Pair* to, const PackLayout& s, int64_t stride, const float* block, int64_t next, bool has_next) {
  uint16_t even[kMostPieces] = {}, odd[kMostPieces] = {};
  split_bf16(*block, s.pieces, even);
  if (has_next) split_bf16(block[next], s.pieces, odd);
  for (int piece = s.pieces - 1; piece >= 0; --piece, to += stride) *to = {even[piece], odd[piece]};
}

// The rows of taps `t` and products `k`, for the columns `j`.
template <class Element>
void pack_block(const PackLayout& s, const float* src, Range j, Range k, Range t, int64_t nr, Element* to) {
  constexpr int64_t kStep = kProducts<Element>;
  const int64_t row = k.count * t.count, tap_rows = ceil_div(s.k, kStep);
  const bool contiguous = s.tap_stride == 1 && t.count == s.taps && s.k_stride == s.taps;
  float block[kBlock];
  for (int64_t column = 0; column < j.count; ++column) {
    const float* from = src + (j.begin + column) * s.column_stride + k.begin * s.k_stride + t.begin * s.tap_stride;
    float* gathered = block + column * row;
    if (contiguous) {
      std::copy_n(from, row, gathered);
      continue;
    }
    for (int64_t i = 0; i < k.count; ++i) {
      for (int64_t tap = 0; tap < t.count; ++tap) *gathered++ = from[i * s.k_stride + tap * s.tap_stride];
    }
  }
  for (int64_t tap = 0; tap < t.count; ++tap) {
    for (int64_t i = 0; i < k.count; i += kStep) {
      Element* out = to + ((t.begin + tap) * tap_rows + (k.begin + i) / kStep) * nr;
      for (int64_t column = 0; column < j.count; ++column) {
        put(out + column, s, s.taps * tap_rows * nr, block + column * row + i * t.count + tap, t.count,
            i + 1 < k.count);
      }
    }
  }
}

template <class Element>
void pack_panels(const PackLayout& s, const float* src, int64_t nr, Element* packed) noexcept {
  constexpr int64_t kStep = kProducts<Element>;
  const int64_t rows = s.pieces * s.taps * ceil_div(s.k, kStep), panels = (s.columns + nr - 1) / nr;
  // An even number of products a block: pairs are not cut.
  const int64_t most_taps = kBlock / nr / kStep, block_taps = std::min(s.taps, most_taps);
  const int64_t block_k = most_taps / block_taps * kStep;
  parallel_for(panels, 1 + (1 << 16) / (rows * nr + 1), [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      Element* to = packed + panel * rows * nr;
      const Range columns{panel * nr, std::min(nr, s.columns - panel * nr)};
      if (columns.count < nr) std::fill(to, to + rows * nr, Element{});
      for (int64_t k = 0; k < s.k; k += block_k) {
        for (int64_t t = 0; t < s.taps; t += block_taps) {
          pack_block(s, src, columns, {k, std::min(block_k, s.k - k)}, {t, std::min(block_taps, s.taps - t)}, nr, to);
        }
      }
    }
  });
}

}  // namespace

void pack(const PackLayout& layout, const float* src, int64_t nr, float* packed) noexcept {
  pack_panels(layout, src, nr, packed);
}

void pack(const PackLayout& layout, const float* src, int64_t nr, Bf16Pair* packed) noexcept {
  pack_panels(layout, src, nr, packed);
}

void unpack_f32(const PackLayout& s, const float* packed, int64_t nr, float* dst) noexcept {
  const int64_t rows = s.taps * s.k;
  parallel_for(s.columns, 1 + (1 << 16) / (rows + 1), [&](int64_t begin, int64_t end) {
    for (int64_t column = begin; column < end; ++column) {
      const float* from = packed + column / nr * rows * nr + column % nr;
      for (int64_t tap = 0; tap < s.taps; ++tap) {
        float* to = dst + tap * s.tap_stride + column * s.column_stride;
        for (int64_t k = 0; k < s.k; ++k) to[k * s.k_stride] = from[(tap * s.k + k) * nr];
      }
    }
  });
}

}  // namespace fastconv
