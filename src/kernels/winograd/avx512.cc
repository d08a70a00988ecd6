// Winograd transforms for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/winograd/generic.h"

namespace fastconv {

#define FASTCONV_WINOGRAD_TRANSFORMS(m)                                       \
  void winograd_input_f32_##m##__avx512(const WinogradInputArgs& args) {      \
    Winograd<m>::input(args);                                                 \
  }                                                                           \
  int64_t winograd_output_f32_##m##__avx512(const WinogradOutputArgs& args) { \
    return Winograd<m>::output(args);                                         \
  }
FASTCONV_WINOGRAD_TRANSFORMS(2)
FASTCONV_WINOGRAD_TRANSFORMS(4)
FASTCONV_WINOGRAD_TRANSFORMS(6)

}  // namespace fastconv
