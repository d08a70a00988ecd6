#include "kernels/depthwise/table.h"

namespace fastconv {

#define FASTCONV_DEPTHWISE(types, mr, nr, isa) DepthwiseF32Fn depthwise_##types##_##mr##x##nr##__##isa;
#include "kernels/depthwise/kernels.inc"
#undef FASTCONV_DEPTHWISE

namespace {

#define FASTCONV_DEPTHWISE(types, mr, nr, isa) \
  {"depthwise_" #types "_" #mr "x" #nr "__" #isa, "depthwise", Isa::isa, depthwise_##types##_##mr##x##nr##__##isa},
const DepthwiseF32Kernel kRows[] = {
#include "kernels/depthwise/kernels.inc"
};
#undef FASTCONV_DEPTHWISE

const RegisterKernels registered(kRows);

}  // namespace

const DepthwiseF32Kernel& choose_depthwise_f32(Isa isa) {
  return choose_kernel(kRows, isa);
}

}  // namespace fastconv
