// The pooling kernels of one instruction set; the body is in generic.h.
#include "simd/avx512.h"

#include "kernels/pool/generic.h"

namespace fastconv {

void max_pool_f32__avx512(const PoolRow& row) noexcept {
  pool_row<Max>(row);
}
void avg_pool_f32__avx512(const PoolRow& row) noexcept {
  pool_row<Mean>(row);
}

}  // namespace fastconv
