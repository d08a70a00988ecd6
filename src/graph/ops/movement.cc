// Operators that put cells elsewhere and change none: transpose, concat, split, slice, expand, tile, depth_to_space and
// space_to_depth. Each says in logical axes which cells go where; move.h does the rest in any memory format. What
// concat joins, and split and slice take out, may lie in place already: see placement.h.
#include <algorithm>

#include "graph/ops/move.h"
#include "graph/ops/ops.h"
#include "graph/placement.h"

namespace fastconv::graph {
namespace {

// ---- transpose

std::vector<int64_t> permutation(const InferContext& c) {
  const int64_t rank = static_cast<int64_t>(c.shape(0).size());
  std::vector<int64_t> perm = c.get_ints("perm");
  if (perm.empty()) {
    for (int64_t a = rank - 1; a >= 0; --a) perm.push_back(a);
  }
  std::vector<bool> seen(rank, false);
  for (int64_t& a : perm) {
    a = c.axis(a, rank);
    if (seen[a]) c.fail(concat("perm must name each axis once, got ", a, " twice"));
    seen[a] = true;
  }
  if (static_cast<int64_t>(perm.size()) != rank) {
    c.fail(concat("perm must name each of ", rank, " axes once, got ", perm.size()));
  }
  return perm;
}

void infer_transpose(InferContext& c) {
  Shape shape;
  for (const int64_t a : permutation(c)) shape.push_back(c.shape(0)[a]);
  c.set_output(0, c.dtype(0), shape);
}

std::unique_ptr<Step> plan_transpose(PlanContext& c) {
  const auto perm = permutation(c), from = strides_of(c.input(0)), to = strides_of(c.output(0));
  StridedCopy copy = copy_of(c.input(0));
  for (size_t a = 0; a < perm.size(); ++a) copy.add(c.shape(0)[perm[a]], from[perm[a]], to[a]);
  return single_move(copy);
}

// ---- concat and split: a part is the whole of the small value and some of the large one

std::unique_ptr<Step> plan_parts(PlanContext& c) {
  const Parts all = *parts_of(c.graph(), c.node());
  auto step = std::make_unique<MoveStep>();
  bool moves = false;
  for (size_t i = 0; i < all.parts.size(); ++i) {
    const Part& part = all.parts[i];
    const Value& value = c.graph().values[part.value];
    if (element_count(value.shape) == 0 || lies_in(c.graph(), all.whole, part)) continue;
    const auto strides = strides_of(value);
    StridedCopy copy = copy_of(value);
    for (size_t a = 0; a < strides.size(); ++a) {
      copy.add(value.shape[a], all.joins ? strides[a] : part.strides[a], all.joins ? part.strides[a] : strides[a]);
    }
    const int index = static_cast<int>(i);
    all.joins ? step->add(copy, index, 0, 0, part.offset) : step->add(copy, 0, part.offset, index, 0);
    moves = true;
  }
  if (!moves) return nullptr;
  return step;
}

int64_t axis_of(const InferContext& c) {
  return c.axis(c.get_int("axis"), static_cast<int64_t>(c.shape(0).size()));
}

void infer_concat(InferContext& c) {
  const int64_t axis = axis_of(c);
  Shape shape = c.shape(0);
  for (int i = 1; i < c.input_count(); ++i) {
    const Shape& part = c.shape(i);
    if (c.dtype(i) != c.dtype(0)) {
      c.fail(concat("inputs must have one dtype, got ", dtype_name(c.dtype(0)), " and ", dtype_name(c.dtype(i))));
    }
    if (part.size() != shape.size()) {
      c.fail(concat("inputs must have one rank, got ", shape.size(), " and ", part.size()));
    }
    for (size_t a = 0; a < shape.size(); ++a) {
      if (static_cast<int64_t>(a) == axis) continue;
      if (part[a] != shape[a]) {
        c.fail(concat("inputs must agree on axis ", a, ", got ", shape[a], " and ", part[a]));
      }
    }
    shape[axis] = checked_add(shape[axis], part[axis]);
  }
  c.set_output(0, c.dtype(0), shape);
}

int64_t split_axis(const InferContext& c) {
  return c.axis(c.get_int("axis", 0), static_cast<int64_t>(c.shape(0).size()));
}

void infer_split(InferContext& c) {
  const int64_t axis = split_axis(c), extent = c.shape(0)[axis], parts = c.output_count();
  std::vector<int64_t> sizes;
  if (c.has_input(1)) {
    sizes = c.ints(1);
    if (static_cast<int64_t>(sizes.size()) != parts) {
      c.fail(concat("sizes must have one value for each of ", parts, " outputs, got ", sizes.size()));
    }
    int64_t sum = 0;
    for (const int64_t size : sizes) {
      if (size < 0) c.fail(concat("sizes must be >= 0, got ", size));
      sum = checked_add(sum, size);
    }
    if (sum != extent) c.fail(concat("sizes must add up to the axis' extent ", extent, ", got ", sum));
  } else {
    const int64_t part = ceil_div(extent, parts);
    for (int64_t i = 0; i < parts; ++i) sizes.push_back(std::clamp<int64_t>(extent - i * part, 0, part));
  }
  Shape shape = c.shape(0);
  for (int64_t i = 0; i < parts; ++i) {
    shape[axis] = sizes[i];
    c.set_output(static_cast<int>(i), c.dtype(0), shape);
  }
}

// One after the other along an axis.
Parts side_by_side(const Graph& graph, ValueId whole, const std::vector<ValueId>& values, int64_t axis, bool joins) {
  Parts all{whole, joins, {}};
  const auto strides = strides_of(graph.values[whole]);
  int64_t offset = 0;
  for (const ValueId id : values) {
    all.parts.push_back({id, offset * strides[axis], strides});
    offset += graph.values[id].shape[axis];
  }
  return all;
}

// ---- slice

struct Range {
  int64_t start, count, step;
};

// ONNX's clamping: a negative start or end counts from the end, then both are brought into the axis. Unlike NumPy's, a
// start before the first cell is the first cell for negative steps too.
Range clamped_range(int64_t extent, int64_t start, int64_t end, int64_t step) {
  if (extent == 0) return {0, 0, step};
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, extent);
    end = std::clamp<int64_t>(end, 0, extent);
    return {start, end > start ? (end - start - 1) / step + 1 : 0, step};
  }
  start = std::clamp<int64_t>(start, 0, extent - 1);
  end = std::clamp<int64_t>(end, -1, extent - 1);
  return {start, end < start ? (end - start + 1) / step + 1 : 0, step};
}

// What is taken of each axis.
std::vector<Range> ranges(const InferContext& c) {
  const Shape& shape = c.shape(0);
  const int64_t rank = static_cast<int64_t>(shape.size());
  std::vector<Range> result;
  for (const int64_t extent : shape) result.push_back({0, extent, 1});

  const auto starts = c.ints(1), ends = c.ints(2);
  std::vector<int64_t> axes, steps;
  if (c.has_input(3)) {
    axes = c.ints(3);
  } else {
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  steps = c.has_input(4) ? c.ints(4) : std::vector<int64_t>(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    c.fail(concat("starts, ends, axes and steps must have one length, got ", starts.size(), ", ", ends.size(), ", ",
                  axes.size(), " and ", steps.size()));
  }
  std::vector<bool> seen(shape.size(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t a = c.axis(axes[i], rank);
    if (seen[a]) c.fail(concat("axes must name an axis once, got ", a, " twice"));
    seen[a] = true;
    if (steps[i] == 0) c.fail("steps must not be 0, got 0");
    result[a] = clamped_range(shape[a], starts[i], ends[i], steps[i]);
  }
  return result;
}

void infer_slice(InferContext& c) {
  Shape shape;
  for (const Range& range : ranges(c)) shape.push_back(range.count);
  c.set_output(0, c.dtype(0), shape);
}

Parts sliced(const InferContext& c) {
  const auto taken = ranges(c);
  Part part{c.node().outputs[0], 0, strides_of(c.input(0))};
  for (size_t a = 0; a < taken.size(); ++a) {
    const auto [start, count, step] = taken[a];
    part.offset += start * part.strides[a];
    part.strides[a] = count > 1 ? step * part.strides[a] : 0;
  }
  return {c.node().inputs[0], false, {std::move(part)}};
}

// ---- expand and tile

void infer_expand(InferContext& c) {
  Shape shape = c.ints(1), in = c.shape(0);
  const size_t rank = std::max(shape.size(), in.size());
  shape.insert(shape.begin(), rank - shape.size(), 1);
  in.insert(in.begin(), rank - in.size(), 1);
  for (size_t a = 0; a < rank; ++a) {
    if (shape[a] < 0) c.fail(concat("shape must be >= 0, got ", shape[a]));
    if (shape[a] == 1) shape[a] = in[a];
    if (in[a] != shape[a] && in[a] != 1) {
      c.fail(concat("shape must broadcast with the input on axis ", a, ", got ", shape[a], " for ", in[a]));
    }
  }
  c.set_output(0, c.dtype(0), shape);
}

std::unique_ptr<Step> plan_expand(PlanContext& c) {
  const Shape &in = c.shape(0), &out = c.output(0).shape;
  const auto from = strides_of(c.input(0)), to = strides_of(c.output(0));
  const size_t leading = out.size() - in.size();
  StridedCopy copy = copy_of(c.input(0));
  for (size_t a = 0; a < out.size(); ++a) {
    const bool repeats = a < leading || in[a - leading] == 1;
    copy.add(out[a], repeats ? 0 : from[a - leading], to[a]);
  }
  return single_move(copy);
}

void infer_tile(InferContext& c) {
  Shape shape = c.shape(0);
  const auto repeats = c.ints(1);
  if (repeats.size() != shape.size()) {
    c.fail(concat("repeats must have one value for each of ", shape.size(), " axes, got ", repeats.size()));
  }
  for (size_t a = 0; a < shape.size(); ++a) {
    if (repeats[a] < 0) c.fail(concat("repeats must be >= 0, got ", repeats[a]));
    shape[a] = checked_mul(shape[a], repeats[a]);
  }
  c.set_output(0, c.dtype(0), shape);
}

std::unique_ptr<Step> plan_tile(PlanContext& c) {
  const auto repeats = c.ints(1), from = strides_of(c.input(0)), to = strides_of(c.output(0));
  StridedCopy copy = copy_of(c.input(0));
  for (size_t a = 0; a < repeats.size(); ++a) {
    const int64_t extent = c.shape(0)[a];
    copy.add(extent, from[a], to[a]);
    if (repeats[a] != 1) copy.add(repeats[a], 0, extent * to[a]);
  }
  return single_move(copy);
}

// ---- depth_to_space and space_to_depth: a pixel's blocks of channels and a block of pixels, the one from the other

int64_t block_of(const InferContext& c) {
  if (c.shape(0).size() != 4) c.fail(concat("input must have rank 4, got ", c.shape(0).size()));
  const int64_t block = c.get_int("blocksize");
  if (block < 1) c.fail(concat("blocksize must be >= 1, got ", block));
  return block;
}

void infer_depth_to_space(InferContext& c) {
  const int64_t block = block_of(c), blocks = checked_mul(block, block);
  const std::string mode = c.get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") c.fail(concat("mode must be DCR or CRD, got ", mode));
  const Shape& in = c.shape(0);
  if (in[1] % blocks != 0) c.fail(concat("channels must be a multiple of blocksize^2 = ", blocks, ", got ", in[1]));
  c.set_output(0, c.dtype(0), {in[0], in[1] / blocks, checked_mul(in[2], block), checked_mul(in[3], block)});
}

void infer_space_to_depth(InferContext& c) {
  const int64_t block = block_of(c);
  const Shape& in = c.shape(0);
  for (int a = 2; a < 4; ++a) {
    if (in[a] % block != 0) c.fail(concat("extents must be multiples of blocksize ", block, ", got ", in[a]));
  }
  c.set_output(0, c.dtype(0), {in[0], checked_mul(checked_mul(in[1], block), block), in[2] / block, in[3] / block});
}

// deep: the value with many channels. Its channel is (block row, block column, channel) in mode DCR, (channel, block
// row, block column) in mode CRD.
std::unique_ptr<Step> plan_blocks(PlanContext& c, bool to_space) {
  const int64_t block = block_of(c);
  const bool depth_first = c.get_string("mode", "DCR") == "DCR";
  const Value &deep = to_space ? c.input(0) : c.output(0), &flat = to_space ? c.output(0) : c.input(0);
  const auto d = strides_of(deep), f = strides_of(flat);
  const int64_t channels = flat.shape[1];
  const int64_t channel = depth_first ? d[1] : block * block * d[1];
  const int64_t column = depth_first ? channels * d[1] : d[1];
  StridedCopy copy = copy_of(deep);
  auto add = [&](int64_t extent, int64_t deep_stride, int64_t flat_stride) {
    copy.add(extent, to_space ? deep_stride : flat_stride, to_space ? flat_stride : deep_stride);
  };
  add(deep.shape[0], d[0], f[0]);
  add(channels, channel, f[1]);
  add(block, block * column, f[2]);
  add(block, column, f[3]);
  add(deep.shape[2], d[2], block * f[2]);
  add(deep.shape[3], d[3], block * f[3]);
  return single_move(copy);
}

std::unique_ptr<Step> plan_depth_to_space(PlanContext& c) {
  return plan_blocks(c, true);
}
std::unique_ptr<Step> plan_space_to_depth(PlanContext& c) {
  return plan_blocks(c, false);
}

}  // namespace

std::optional<Parts> parts_of(const Graph& graph, const Node& node) {
  const InferContext c(graph, node);
  if (node.op == &op_concat) return side_by_side(graph, node.outputs[0], node.inputs, axis_of(c), true);
  if (node.op == &op_split) return side_by_side(graph, node.inputs[0], node.outputs, split_axis(c), false);
  if (node.op == &op_slice) return sliced(c);
  return std::nullopt;
}

const AttributeDefs kTransposeAttributes{{"perm", kInts}};
const OpDef op_transpose{"transpose", infer_transpose,     LayoutRule::plain, kNoFlags, plan_transpose,
                         {1},         kTransposeAttributes};
const AttributeDefs kConcatAttributes{{"axis", kInt}};
const OpDef op_concat{"concat",   infer_concat,     LayoutRule::follow, kPixelStrides | kEachImage,
                      plan_parts, {1, Arity::kAny}, kConcatAttributes};
const AttributeDefs kSplitAttributes{{"axis", kInt}};
const OpDef op_split{"split",    infer_split, LayoutRule::follow, kValueInputs | kPixelStrides | kEachImage,
                     plan_parts, {1, 2},      kSplitAttributes,   {1, Arity::kAny}};
const OpDef op_slice{"slice", infer_slice, LayoutRule::follow, kValueInputs | kPixelStrides, plan_parts, {3, 5}};
const OpDef op_expand{"expand", infer_expand, LayoutRule::follow, kValueInputs | kPixelStrides, plan_expand, {2}};
const OpDef op_tile{"tile", infer_tile, LayoutRule::follow, kValueInputs | kPixelStrides, plan_tile, {2}};
const AttributeDefs kDepthToSpaceAttributes{{"blocksize", kInt}, {"mode", kString}};
const OpDef op_depth_to_space{"depth_to_space",       infer_depth_to_space, LayoutRule::follow,
                              kPixelStrides,          plan_depth_to_space,  {1},
                              kDepthToSpaceAttributes};
const AttributeDefs kSpaceToDepthAttributes{{"blocksize", kInt}};
const OpDef op_space_to_depth{"space_to_depth",       infer_space_to_depth, LayoutRule::follow,
                              kPixelStrides,          plan_space_to_depth,  {1},
                              kSpaceToDepthAttributes};

}  // namespace fastconv::graph
