// Direct convolution, forward and transposed: tap-GEMM straight on the pixels (tap_conv.cc). It applies to everything.
#include "conv/algorithms.h"
#include "conv/tap_conv.h"
#include "conv/tap_weights.h"

namespace fastconv {

namespace {

// No pair has channels of two groups.
bool writes_pieces(const ConvProblem& p) {
  return p.group_k() % kProducts<Bf16Pair> == 0;
}

}  // namespace

const Algorithm kDirect = {
    "direct",
    [](const ConvProblem&) { return Precision::highest; },
    [](const ConvProblem&) { return std::string(); },
    tap_pack_key<float>,
    tap_packed_size<float>,
    tap_pack<float>,
    plan_tap_conv<float, 1>,
    tap_unpack,
    nullptr,
    writes_pieces,
};

namespace {

// The same with products of bfloat16, kPieces of which are a value, and sums in float32.
template <int kPieces>
constexpr Algorithm direct_bf16(const char* name, Precision (*precision)(const ConvProblem&)) {
  return {name,
          precision,
          [](const ConvProblem&) { return std::string(); },
          tap_pack_key<Bf16Pair>,
          tap_packed_size<Bf16Pair, kPieces>,
          tap_pack<Bf16Pair, kPieces>,
          plan_tap_conv<Bf16Pair, kPieces>,
          nullptr,
          [](const ConvProblem& p) { return p.group_c() % kProducts<Bf16Pair> == 0 ? kPieces : 0; },
          writes_pieces};
}

}  // namespace

// Named by their products.
const Algorithm kDirectBf16 = direct_bf16<1>("direct_bf16", [](const ConvProblem&) { return Precision::medium; });
const Algorithm kDirectBf16x3 = direct_bf16<2>("direct_bf16x3", [](const ConvProblem&) { return Precision::high; });
const Algorithm kDirectBf16x6 = direct_bf16<3>("direct_bf16x6", [](const ConvProblem&) { return Precision::highest; });

}  // namespace fastconv
