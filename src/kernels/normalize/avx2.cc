// The normalize kernels of one instruction set; the bodies are in generic.h.
#include "simd/avx2.h"
#include "simd/math.h"

#include "kernels/normalize/generic.h"

namespace fastconv {

void softmax_rows_f32__avx2(const SoftmaxPanel& panel) noexcept {
  softmax_rows(panel);
}
void softmax_columns_f32__avx2(const SoftmaxPanel& panel) noexcept {
  softmax_columns(panel);
}
void normalize_f32__avx2(const NormalizePanel& panel) noexcept {
  normalize(panel);
}
void lrn_f32__avx2(const LrnRow& row) noexcept {
  lrn(row);
}

}  // namespace fastconv
