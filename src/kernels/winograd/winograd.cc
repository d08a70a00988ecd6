#include "kernels/winograd/winograd.h"

namespace fastconv {

#define FASTCONV_WINOGRAD(types, m, isa)                 \
  WinogradInputFn winograd_input_##types##_##m##__##isa; \
  WinogradOutputFn winograd_output_##types##_##m##__##isa;
#include "kernels/winograd/kernels.inc"
#undef FASTCONV_WINOGRAD

namespace {

#define FASTCONV_WINOGRAD(types, m, isa)                                                   \
  {"winograd_" #types "_" #m "x3__" #isa, Isa::isa, winograd_input_##types##_##m##__##isa, \
   winograd_output_##types##_##m##__##isa, m},
const WinogradKernel kRows[] = {
#include "kernels/winograd/kernels.inc"
};
#undef FASTCONV_WINOGRAD

const RegisterKernels registered(kRows);

}  // namespace

const WinogradKernel& choose_winograd(int m, Isa isa) {
  const WinogradKernel* best = nullptr;
  for (const WinogradKernel& row : kRows) {
    if (row.m == m && row.isa <= isa && (!best || row.isa > best->isa)) best = &row;
  }
  return *best;
}

}  // namespace fastconv
