// Winograd transforms for avx512.
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/winograd/few.h"
#include "kernels/winograd/generic.h"

namespace fastconv {

FASTCONV_WINOGRAD_TRANSFORMS(avx512)
FASTCONV_WINOGRAD_FEW_TILES(4, 16, avx512)

}  // namespace fastconv
