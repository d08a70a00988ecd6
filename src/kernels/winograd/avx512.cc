// Winograd transforms for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/winograd/generic.h"

namespace fastconv {

FASTCONV_WINOGRAD_TRANSFORMS(avx512)

}  // namespace fastconv
