#include "base/checks.h"
#include "kernels/gemm/table.h"

namespace fastconv {

#define FASTCONV_GEMM(types, mr, nr, isa) GemmF32Fn gemm_##types##_##mr##x##nr##__##isa;
#define FASTCONV_GEMM_FEW FASTCONV_GEMM
#define FASTCONV_GEMM_BF16(types, mr, nr, isa) GemmBf16Fn gemm_##types##_##mr##x##nr##__##isa;
#include "kernels/gemm/kernels.inc"
#undef FASTCONV_GEMM_BF16
#undef FASTCONV_GEMM_FEW
#undef FASTCONV_GEMM

namespace {

#define FASTCONV_ROW(types, mr, nr, packed_nr, isa) \
  {"gemm_" #types "_" #mr "x" #nr "__" #isa, Isa::isa, gemm_##types##_##mr##x##nr##__##isa, mr, nr, packed_nr},

#define FASTCONV_GEMM(types, mr, nr, isa) FASTCONV_ROW(types, mr, nr, nr, isa)
#define FASTCONV_GEMM_FEW(types, mr, nr, isa)
#define FASTCONV_GEMM_BF16(types, mr, nr, isa)
const GemmF32Kernel kRows[] = {
#include "kernels/gemm/kernels.inc"
};
#undef FASTCONV_GEMM_FEW
#undef FASTCONV_GEMM

#define FASTCONV_GEMM(types, mr, nr, isa)
#define FASTCONV_GEMM_FEW(types, mr, nr, isa) FASTCONV_ROW(types, mr, nr, 1, isa)
const GemmF32Kernel kFewRows[] = {
#include "kernels/gemm/kernels.inc"
};
#undef FASTCONV_GEMM_BF16
#undef FASTCONV_GEMM_FEW

#define FASTCONV_GEMM_FEW(types, mr, nr, isa)
#define FASTCONV_GEMM_BF16(types, mr, nr, isa) FASTCONV_ROW(types, mr, nr, nr, isa)
const GemmBf16Kernel kBf16Rows[] = {
#include "kernels/gemm/kernels.inc"
};
#undef FASTCONV_GEMM_BF16
#undef FASTCONV_GEMM_FEW
#undef FASTCONV_GEMM

const RegisterKernels registered(kRows);
const RegisterKernels registered_few(kFewRows);
const RegisterKernels registered_bf16(kBf16Rows);

// Steps of k that summing the lanes of a panel's columns takes as long as. Break-even on AVX-512 is at 9 to 12 products
// for 1 to 4 columns and at 32 for 8; 16 to 4 channels at 64x64: 0.014 ms for 0.010 (AVX2: 0.018 for 0.011), 16 to 8:
// 0.014 for 0.020. Zen 5, one thread, November 2026: fastconv bench layers 1x16x64x64:4:1
constexpr int64_t kSumSteps = 8;

}  // namespace

const GemmF32Kernel& choose_gemm_f32(Isa isa) {
  return choose_kernel(kRows, isa);
}

template <>
const GemmF32Kernel& choose_gemm<float>(Isa isa, int64_t columns, int64_t k) {
  const GemmF32Kernel& wide = choose_kernel(kRows, isa);
  const int64_t lanes = wide.nr / kPanelVectors;
  const bool few = columns <= lanes / 2 && columns * ceil_div(k, lanes) + kSumSteps * ceil_div(columns, 4) <= k;
  return few ? choose_kernel(kFewRows, isa) : wide;
}

template <>
const GemmBf16Kernel& choose_gemm<Bf16Pair>(Isa isa, int64_t, int64_t) {
  return choose_kernel(kBf16Rows, isa);
}

}  // namespace fastconv
