// Tap-GEMM for avx512bf16: two products a lane.
#include "simd/avx512.h"
#include "simd/avx512_bf16.h"
#include "simd/math.h"

#include "kernels/gemm/generic.h"

namespace fastconv {

void gemm_bf16_14x32__avx512bf16(const GemmBf16Args& args) {
  gemm<14>(args);
}

}  // namespace fastconv
