// Direct convolution, forward and transposed: tap-GEMM straight on the pixels (tap_conv.cc). It applies to everything.
#include "conv/algorithms.h"
#include "conv/tap_conv.h"
#include "conv/tap_weights.h"

namespace fastconv {

const Algorithm kDirect = {
    "direct",
    [](const ConvProblem&) { return Precision::highest; },
    [](const ConvProblem&) { return std::string(); },
    tap_pack_key<float>,
    tap_packed_size<float>,
    tap_pack<float>,
    plan_tap_conv<float>,
    tap_unpack,
};

// The same with source and weights rounded to bfloat16, and sums in float32.
const Algorithm kDirectBf16 = {
    "direct_bf16",
    [](const ConvProblem&) { return Precision::medium; },
    [](const ConvProblem&) { return std::string(); },
    tap_pack_key<Bf16Pair>,
    tap_packed_size<Bf16Pair>,
    tap_pack<Bf16Pair>,
    plan_tap_conv<Bf16Pair>,
};

}  // namespace fastconv
