// The quantize family: float32 values written in the narrower form that a product's kernel reads. The kernels are in
// kernels.inc, each in the file of its instruction set: they share no body.
#pragma once

#include <cstdint>

#include "base/bf16.h"

namespace fastconv {

// `rows` rows of `columns` values, strides in elements. A row of an odd number ends with a pair of its last value and
// zero. Values are split as by split_bf16, and each piece of all of them is a matrix of its own.
struct QuantizeBf16Args {
  const float* src;
  int64_t src_stride;
  Bf16Pair* dst;
  int64_t dst_stride;
  int64_t rows, columns;
  int pieces = 1;            // 1 to kMostPieces
  int64_t piece_stride = 0;  // elements from one piece's matrix to the next one's
};
using QuantizeBf16Fn = void(const QuantizeBf16Args&);

namespace {

template <int kPieces>
struct PieceCount {
  static constexpr int value = kPieces;
};

// Calls fn with the number of pieces as a constant.
template <class Fn>
void with_pieces(int pieces, const Fn& fn) {
  static_assert(kMostPieces == 3);
  if (pieces == 1) return fn(PieceCount<1>{});
  if (pieces == 2) return fn(PieceCount<2>{});
  fn(PieceCount<3>{});
}

}  // namespace
}  // namespace fastconv
