// Depthwise convolution for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/depthwise/generic.h"

namespace fastconv {

void depthwise_f32_14x16__avx512(const DepthwiseF32Args& args) {
  depthwise_f32<14>(args);
}

}  // namespace fastconv
