// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/table.h"

namespace fastconv {

using DepthwiseF32Kernel = Kernel<DepthwiseF32Fn>;

const DepthwiseF32Kernel& choose_depthwise_f32(Isa isa);

}  // namespace fastconv
