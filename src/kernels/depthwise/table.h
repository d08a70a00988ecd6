// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/table.h"

namespace fastconv {

// No kernel's vectors are longer; weights padded to a multiple of this suit all.
inline constexpr int64_t kDepthwiseLanes = 16;

using DepthwiseF32Kernel = Kernel<DepthwiseF32Fn>;

const DepthwiseF32Kernel& choose_depthwise_f32(Isa isa);

}  // namespace fastconv
