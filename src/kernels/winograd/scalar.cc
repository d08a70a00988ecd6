// Winograd transforms for scalar.
#include "simd/scalar.h"
#include "simd/math.h"

#include "kernels/winograd/generic.h"

namespace fastconv {

#define FASTCONV_WINOGRAD_TRANSFORMS(m)                                       \
  void winograd_input_f32_##m##__scalar(const WinogradInputArgs& args) {      \
    Winograd<m>::input(args);                                                 \
  }                                                                           \
  int64_t winograd_output_f32_##m##__scalar(const WinogradOutputArgs& args) { \
    return Winograd<m>::output(args);                                         \
  }
FASTCONV_WINOGRAD_TRANSFORMS(2)
FASTCONV_WINOGRAD_TRANSFORMS(4)
FASTCONV_WINOGRAD_TRANSFORMS(6)

}  // namespace fastconv
