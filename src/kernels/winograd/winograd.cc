#include "kernels/winograd/winograd.h"

namespace fastconv {

#define FASTCONV_WINOGRAD(types, m, r, axes, isa)                        \
  WinogradInputFn winograd_input_##types##_##m##x##r##_##axes##d__##isa; \
  WinogradOutputFn winograd_output_##types##_##m##x##r##_##axes##d__##isa;
#include "kernels/winograd/kernels.inc"
#undef FASTCONV_WINOGRAD

namespace {

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
#undef FASTCONV_WINOGRAD

const RegisterKernels registered(kRows);

}  // namespace

const WinogradKernel* choose_winograd(int m, int r, int axes, Isa isa) {
  const WinogradKernel* best = nullptr;
  for (const WinogradKernel& row : kRows) {
    const bool fits = row.m == m && row.r == r && row.axes == axes && row.isa <= isa;
    if (fits && (!best || row.isa > best->isa)) best = &row;
  }
  return best;
}

}  // namespace fastconv
