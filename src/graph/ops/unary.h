// The bridge from operators of one input to the functions kernels know; also for the passes that fuse activations.
#pragma once

#include <optional>

#include "graph/op.h"
#include "kernels/elementwise/function.h"

namespace fastconv::graph {

// The function a node applies to its first input, if it is a float32 function of that alone: a unary operator, or clip
// whose limits are known.
std::optional<FunctionCall> unary_function(const InferContext& c);

// A float32 step that applies `call` to input 0.
std::unique_ptr<Step> unary_step(const PlanContext& c, FunctionCall call);

}  // namespace fastconv::graph
