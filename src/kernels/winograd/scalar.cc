// Winograd transforms for scalar.
#include "simd/scalar.h"
#include "simd/math.h"

#include "kernels/winograd/generic.h"

namespace fastconv {

FASTCONV_WINOGRAD_TRANSFORMS(scalar)

}  // namespace fastconv
