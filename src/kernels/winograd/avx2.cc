// Winograd transforms for avx2.
#include "simd/avx2.h"
#include "simd/math.h"

#include "kernels/winograd/generic.h"

namespace fastconv {

FASTCONV_WINOGRAD_TRANSFORMS(avx2)

}  // namespace fastconv
