// Elementwise functions in plain C++: every type but float32's arithmetic (that is elementwise.h's), comparisons,
// masks. They serve shape arithmetic and post-processing, where no time is spent. Integers wrap, as NumPy's do; a
// division by zero gives 0 instead of a trap.
#pragma once

#include "base/dtype.h"
#include "kernels/elementwise/broadcast.h"
#include "kernels/elementwise/elementwise.h"

namespace fastconv {

// y = function(operands) on one panel; y may be an operand of the same steps.
using PlainFn = void(const void* const* operands, void* y, const BroadcastPanel& panel);

enum class Comparison { equal, less, less_equal, greater, greater_equal };
enum class Logical { logical_and, logical_or, logical_xor };

// The function for a type; null where it means nothing for it.
PlainFn* plain_unary(Function function, DType type);  // neg, abs, sign; clamp: at least 0
PlainFn* plain_binary(BinaryFunction function, DType type);
PlainFn* plain_compare(Comparison comparison, DType type);  // gives bool
PlainFn* plain_logical(Logical function);                   // bool to bool
PlainFn* plain_not();                                       // bool to bool
PlainFn* plain_where(DType type);                           // condition (bool), a, b
PlainFn* plain_clip(DType type);                            // x, low, high

}  // namespace fastconv
