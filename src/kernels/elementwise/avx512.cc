// The elementwise kernels of one instruction set; the bodies are in generic.h.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/elementwise/generic.h"

namespace fastconv {

void unary_f32__avx512(const UnaryRow& row) noexcept {
  unary(row);
}
void binary_f32__avx512(const BinaryPanel& panel) noexcept {
  binary(panel);
}

}  // namespace fastconv
