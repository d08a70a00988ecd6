// Depthwise convolution for scalar.
#include "simd/scalar.h"
#include "simd/math.h"

#include "kernels/depthwise/generic.h"

namespace fastconv {

void depthwise_f32_4x4__scalar(const DepthwiseF32Args& args) {
  depthwise_f32<4>(args);
}

}  // namespace fastconv
