#include "conv/tap_weights.h"

#include "kernels/gemm/pack.h"

namespace fastconv {

// Where the width folds into k (see plan_source_rows in tap_conv.cc), a tap has its products too.
template <class Element>
const GemmKernel<Element>& tap_kernel(const ConvProblem& p, Isa isa) {
  const bool folds = !p.transposed && p.groups == 1 && p.dilation[2] == 1;
  return choose_gemm<Element>(isa, p.group_k(), tap_channels<Element>(p) * (folds ? p.kernel[2] : 1));
}

template <class Element>
std::string tap_pack_key(const ConvProblem& problem, Isa isa) {
  return concat("taps ", tap_kernel<Element>(problem, isa).packed_nr, " ", weight_order(problem));
}

namespace {

template <class Element, int kPieces>
int64_t group_packed_size(const ConvProblem& p, int64_t nr) {
  return packed_size(kPieces * p.taps() * tap_channels<Element>(p), p.group_k(), nr);
}

// Where the weights of a group lie in the caller's array.
PackLayout group_layout(const ConvProblem& p, int pieces) {
  const WeightLayout w = weight_layout(p);
  return {p.taps(), w.tap, p.group_c(), w.input, p.group_k(), w.output, pieces};
}

// Calls fn(offset in the caller's array, offset in the packed form) for every group.
template <class Element, int kPieces, class Fn>
void for_groups(const ConvProblem& p, int64_t nr, const Fn& fn) {
  const WeightLayout w = weight_layout(p);
  const int64_t packed = group_packed_size<Element, kPieces>(p, nr);
  for (int64_t g = 0; g < p.groups; ++g) fn(w.first + g * w.group, g * packed);
}

}  // namespace

template <class Element, int kPieces>
int64_t tap_packed_size(const ConvProblem& p, Isa isa) {
  return checked_mul(group_packed_size<Element, kPieces>(p, tap_kernel<Element>(p, isa).packed_nr), p.groups);
}

template <class Element, int kPieces>
void tap_pack(const ConvProblem& p, const float* weights, Isa isa, float* packed) {
  const int64_t nr = tap_kernel<Element>(p, isa).packed_nr;
  for_groups<Element, kPieces>(p, nr, [&](int64_t from, int64_t to) {
    pack(group_layout(p, kPieces), weights + from, nr, reinterpret_cast<Element*>(packed) + to);
  });
}

void tap_unpack(const ConvProblem& p, const float* packed, Isa isa, float* weights) {
  const int64_t nr = tap_kernel<float>(p, isa).packed_nr;
  for_groups<float, 1>(
      p, nr, [&](int64_t to, int64_t from) { unpack_f32(group_layout(p, 1), packed + from, nr, weights + to); });
}

#define FASTCONV_TAP_KERNEL(Element)                                                \
  template const GemmKernel<Element>& tap_kernel<Element>(const ConvProblem&, Isa); \
  template std::string tap_pack_key<Element>(const ConvProblem&, Isa);
FASTCONV_TAP_KERNEL(float)
FASTCONV_TAP_KERNEL(Bf16Pair)
#undef FASTCONV_TAP_KERNEL

#define FASTCONV_TAP_WEIGHTS(Element, pieces)                                 \
  template int64_t tap_packed_size<Element, pieces>(const ConvProblem&, Isa); \
  template void tap_pack<Element, pieces>(const ConvProblem&, const float*, Isa, float*);
FASTCONV_TAP_WEIGHTS(float, 1)
FASTCONV_TAP_WEIGHTS(Bf16Pair, 1)
FASTCONV_TAP_WEIGHTS(Bf16Pair, 2)
FASTCONV_TAP_WEIGHTS(Bf16Pair, 3)
#undef FASTCONV_TAP_WEIGHTS

}  // namespace fastconv
