// Depthwise convolution for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/depthwise/generic.h"

namespace fastconv {

void depthwise_f32_7x16__avx512(const DepthwiseF32Args& args) {
  depthwise_f32<7>(args);
}

}  // namespace fastconv
