#include "kernels/winograd/winograd.h"

namespace fastconv {

#define FASTCONV_WINOGRAD(types, m, r, axes, isa)                        \
  WinogradInputFn winograd_input_##types##_##m##x##r##_##axes##d__##isa; \
  WinogradOutputFn winograd_output_##types##_##m##x##r##_##axes##d__##isa;
#define FASTCONV_WINOGRAD_FEW(types, tiles, columns, isa) \
  WinogradFewFn winograd_##types##_few_##tiles##x##columns##__##isa;
#include "kernels/winograd/kernels.inc"
#undef FASTCONV_WINOGRAD_FEW
#undef FASTCONV_WINOGRAD

namespace {

#define FASTCONV_WINOGRAD_FEW(types, tiles, columns, isa)

#define FASTCONV_WINOGRAD(types, m, r, axes, isa)          \
  {"winograd_" #types "_" #m "x" #r "_" #axes "d__" #isa,  \
   Isa::isa,                                               \
   winograd_input_##types##_##m##x##r##_##axes##d__##isa,  \
   winograd_output_##types##_##m##x##r##_##axes##d__##isa, \
   m,                                                      \
   r,                                                      \
   axes},
const WinogradKernel kRows[] = {
#include "kernels/winograd/kernels.inc"
};
#undef FASTCONV_WINOGRAD_FEW
#undef FASTCONV_WINOGRAD

const RegisterKernels registered(kRows);

#if defined(FASTCONV_X86)  // elsewhere the list is empty
#define FASTCONV_WINOGRAD(types, m, r, axes, isa)
#define FASTCONV_WINOGRAD_FEW(types, tiles, columns, isa)              \
  {"winograd_" #types "_few_" #tiles "x" #columns "__" #isa, Isa::isa, \
   winograd_##types##_few_##tiles##x##columns##__##isa, tiles, columns},
const WinogradFewKernel kFewRows[] = {
#include "kernels/winograd/kernels.inc"
};
#undef FASTCONV_WINOGRAD_FEW
#undef FASTCONV_WINOGRAD

const RegisterKernels registered_few(kFewRows);
#endif

}  // namespace

const WinogradFewKernel* choose_winograd_few([[maybe_unused]] Isa isa) {
#if defined(FASTCONV_X86)
  const WinogradFewKernel& best = choose_kernel(kFewRows, isa);
  return best.isa <= isa ? &best : nullptr;
#else
  return nullptr;
#endif
}

const WinogradKernel* choose_winograd(int m, int r, int axes, Isa isa) {
  const WinogradKernel* best = nullptr;
  for (const WinogradKernel& row : kRows) {
    const bool fits = row.m == m && row.r == r && row.axes == axes && row.isa <= isa;
    if (fits && (!best || row.isa > best->isa)) best = &row;
  }
  return best;
}

}  // namespace fastconv
