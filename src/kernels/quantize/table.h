// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/quantize/quantize.h"
#include "kernels/table.h"

namespace fastconv {

const Kernel<QuantizeBf16Fn>& choose_quantize_bf16(Isa isa);

}  // namespace fastconv
