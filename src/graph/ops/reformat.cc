// Steps the planner inserts. reformat: the same logical value in another memory format, where formats disagree.
// copy: the same value in another place, where an output would otherwise be an input, a constant or another output.
#include "graph/ops/move.h"
#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

void infer_same(InferContext& c) {
  c.set_output(0, c.dtype(0), c.shape(0));
}

// Strides know the formats, so both are one copy of every cell.
std::unique_ptr<Step> plan_same(PlanContext& c) {
  const auto from = strides_of(c.input(0)), to = strides_of(c.output(0));
  StridedCopy copy = copy_of(c.input(0));
  for (size_t a = 0; a < to.size(); ++a) copy.add(c.shape(0)[a], from[a], to[a]);
  return single_move(copy);
}

}  // namespace

const OpDef op_reformat{"reformat", infer_same, LayoutRule::follow, kPixelStrides | kEachImage, plan_same};
const OpDef op_copy{"copy", infer_same, LayoutRule::follow, kPixelStrides | kEachImage, plan_same};

}  // namespace fastconv::graph
