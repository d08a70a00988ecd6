// The reduce kernels of one instruction set; the bodies are in generic.h.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/reduce/generic.h"

namespace fastconv {

void reduce_rows_f32__avx512(const ReducePanel& panel) noexcept {
  reduce_rows(panel);
}
void reduce_columns_f32__avx512(const ReducePanel& panel) noexcept {
  reduce_columns(panel);
}

}  // namespace fastconv
