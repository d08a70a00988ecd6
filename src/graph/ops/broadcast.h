// NumPy broadcasting for operators: the shape of the result, and the loops over operands as they lie in memory.
#pragma once

#include "graph/op.h"
#include "kernels/elementwise/plain.h"

namespace fastconv::graph {

// The shape inputs [0, count) broadcast to; fails where they do not.
Shape broadcast_shape(const InferContext& c, int count);

// The loops of inputs [0, count) under output 0, all in its format.
Broadcast broadcast_loops(const PlanContext& c, int count);

// The extents of an input in memory order, seen with leading ones as a value of output 0's rank and format.
Shape broadcast_extents(const PlanContext& c, int input);

// A step that runs a plain function of `count` operands.
std::unique_ptr<Step> plain_step(const PlanContext& c, PlainFn* fn, int count);

}  // namespace fastconv::graph
