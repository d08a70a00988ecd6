// The normalize kernels of one instruction set; the bodies are in generic.h.
#include "simd/scalar.h"
#include "simd/math.h"

#include "kernels/normalize/generic.h"

namespace fastconv {

void softmax_rows_f32__scalar(const SoftmaxPanel& panel) noexcept {
  softmax_rows(panel);
}
void softmax_columns_f32__scalar(const SoftmaxPanel& panel) noexcept {
  softmax_columns(panel);
}
void normalize_f32__scalar(const NormalizePanel& panel) noexcept {
  normalize(panel);
}
void lrn_f32__scalar(const LrnRow& row) noexcept {
  lrn(row);
}

}  // namespace fastconv
