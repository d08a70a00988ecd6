// Direct convolution, forward and transposed: tap-GEMM straight on the pixels (tap_conv.cc). It applies to everything.
#include "conv/algorithms.h"
#include "conv/tap_conv.h"

namespace fastconv {

const Algorithm kDirect = {
    "direct",
    [](const ConvProblem&) { return Precision::highest; },
    [](const ConvProblem&) { return std::string(); },
    tap_pack_key,
    tap_packed_size,
    tap_pack,
    plan_tap_conv,
    tap_unpack,
};

}  // namespace fastconv
