// Tap-GEMM for scalar.
#include "simd/scalar.h"
#include "simd/math.h"
#include "simd/scalar_bf16.h"

#include "kernels/gemm/few.h"
#include "kernels/gemm/generic.h"

namespace fastconv {

void gemm_f32_4x8__scalar(const GemmF32Args& args) {
  gemm<4>(args);
}

void gemm_bf16_4x8__scalar(const GemmBf16Args& args) {
  gemm<4>(args);
}

void gemm_f32_2x4__scalar(const GemmF32Args& args) {
  gemm_few_f32<2>(args);
}

}  // namespace fastconv
