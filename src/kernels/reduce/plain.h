// Folds along one axis in plain C++, for every type but float32 (that is reduce.h's). Integers wrap.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/reduce/reduce.h"

namespace fastconv {

// y[o, i] = fold over j of x[o, j, i].
using PlainReduceFn = void(const void* x, void* y, int64_t outer, int64_t n, int64_t inner);
PlainReduceFn* plain_reduce(Reducer reducer, DType dtype);  // null where the reducer means nothing for the type

}  // namespace fastconv
