// Depthwise convolution for avx2.
#include "simd/avx2.h"
#include "simd/math.h"

#include "kernels/depthwise/generic.h"

namespace fastconv {

void depthwise_f32_7x8__avx2(const DepthwiseF32Args& args) {
  depthwise_f32<7>(args);
}

}  // namespace fastconv
