// Declares every operator of ops.inc; each is defined in its family's file here.
#pragma once

#include "graph/op.h"

namespace fastconv::graph {

#define FASTCONV_OP(name) extern const OpDef op_##name;
#include "graph/ops/ops.inc"
#undef FASTCONV_OP

// Steps the planner makes itself; not in the vocabulary.
extern const OpDef op_reformat;  // the same value in another memory format
extern const OpDef op_copy;      // the same bytes in another place

}  // namespace fastconv::graph
