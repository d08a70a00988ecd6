// Tap-GEMM for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/gemm/few.h"
#include "kernels/gemm/generic.h"

namespace fastconv {

void gemm_f32_14x32__avx512(const GemmF32Args& args) {
  gemm<14>(args);
}

void gemm_f32_6x4__avx512(const GemmF32Args& args) {
  gemm_few_f32<6>(args);
}

}  // namespace fastconv
