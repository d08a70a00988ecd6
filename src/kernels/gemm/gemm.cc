#include "kernels/gemm/table.h"

namespace fastconv {

#define FASTCONV_GEMM(types, mr, nr, isa) GemmF32Fn gemm_##types##_##mr##x##nr##__##isa;
#include "kernels/gemm/kernels.inc"
#undef FASTCONV_GEMM

namespace {

#define FASTCONV_GEMM(types, mr, nr, isa) \
  {"gemm_" #types "_" #mr "x" #nr "__" #isa, Isa::isa, gemm_##types##_##mr##x##nr##__##isa, mr, nr},
const GemmF32Kernel kRows[] = {
#include "kernels/gemm/kernels.inc"
};
#undef FASTCONV_GEMM

const RegisterKernels registered(kRows);

}  // namespace

const GemmF32Kernel& choose_gemm_f32(Isa isa) {
  return choose_kernel(kRows, isa);
}

}  // namespace fastconv
