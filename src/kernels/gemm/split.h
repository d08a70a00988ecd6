// Which products the pieces of split values take (base/bf16.h). Two pieces of each of two values take three, of three
// six: a product of the i-th and the j-th piece is about 2^-8(i + j) of the values', and those below the least piece
// are left out. To tap-GEMM each is one more tap for every tap.
#pragma once

#include <cstdint>

namespace fastconv {

inline constexpr int64_t product_count(int pieces) {
  return pieces * (pieces + 1) / 2;
}

// Calls fn(source piece, place of the weights' piece in a packed panel) in the order of the sum. The weights' least
// piece lies first, so that weights that are streamed are read from their beginning to their end. The largest product
// comes last, when all others have been summed: those round in sums of a 256th, and with them what is added cannot pass
// the largest float unless the sum of whole values does.
template <class Fn>
void for_products(int pieces, const Fn& fn) {
  for (int weights = 0; weights < pieces; ++weights) {
    for (int source = weights; source >= 0; --source) fn(source, weights);
  }
}

}  // namespace fastconv
