// Tap-GEMM for avx2.
#include "simd/avx2.h"
#include "simd/math.h"

#include "kernels/gemm/few.h"
#include "kernels/gemm/generic.h"

namespace fastconv {

void gemm_f32_6x16__avx2(const GemmF32Args& args) {
  gemm<6>(args);
}

void gemm_f32_3x4__avx2(const GemmF32Args& args) {
  gemm_few_f32<3>(args);
}

}  // namespace fastconv
