#include "kernels/quantize/quantize.h"

#include "kernels/quantize/table.h"

namespace fastconv {

#define FASTCONV_QUANTIZE(types, isa) QuantizeBf16Fn quantize_##types##__##isa;
#include "kernels/quantize/kernels.inc"
#undef FASTCONV_QUANTIZE

namespace {

#define FASTCONV_QUANTIZE(types, isa) {"quantize_" #types "__" #isa, "quantize", Isa::isa, quantize_##types##__##isa},
const Kernel<QuantizeBf16Fn> kRows[] = {
#include "kernels/quantize/kernels.inc"
};
#undef FASTCONV_QUANTIZE

const RegisterKernels registered(kRows);

}  // namespace

const Kernel<QuantizeBf16Fn>& choose_quantize_bf16(Isa isa) {
  return choose_kernel(kRows, isa);
}

}  // namespace fastconv
