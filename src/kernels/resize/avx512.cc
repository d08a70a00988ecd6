// The resize kernel of one instruction set; the body is in generic.h.
#include "simd/avx512.h"

#include "kernels/resize/generic.h"

namespace fastconv {

void resize_f32__avx512(const ResizeRow& row) noexcept {
  resize_row(row);
}

}  // namespace fastconv
