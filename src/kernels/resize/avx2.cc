// The resize kernel of one instruction set; the body is in generic.h.
#include "simd/avx2.h"

#include "kernels/resize/generic.h"

namespace fastconv {

void resize_f32__avx2(const ResizeRow& row) noexcept {
  resize_row(row);
}

}  // namespace fastconv
