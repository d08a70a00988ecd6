// Placement: a value may lie inside another one's memory, so that what joins or splits values moves nothing. A
// convolution writes its channels straight into those of a concatenation; the slices of a value are read where they
// are. In channels_last such a window has the pixel stride of the whole; along the outermost axis it is simply a dense
// part.
//
// The passes (passes/placement.cc) decide it once formats are known; a step then learns its operands' pixel strides
// from Value::placement, the memory plan their addresses, and a step that joins or splits copies what is not in place.
#pragma once

#include <optional>
#include <vector>

#include "graph/ir.h"

namespace fastconv::graph {

// The value whose memory `id` lies in: itself where it has its own.
inline ValueId home_of(const Graph& graph, ValueId id) {
  const ValueId whole = graph.values[id].placement.whole;
  return whole == kNoValue ? id : whole;
}

// All cells of one value, seen as some of another's: elements from the other's first on, and along each logical axis.
struct Part {
  ValueId value;
  int64_t offset;
  std::vector<int64_t> strides;
};

// What a concat joins (in the order of its inputs) or a split or slice takes out (of its outputs).
struct Parts {
  ValueId whole;
  bool joins;
  std::vector<Part> parts;
};

// Of a concat, split or slice; nothing for other operators. Strides are those of the whole where it is placed.
std::optional<Parts> parts_of(const Graph& graph, const Node& node);

// Where a part must be placed to lie in the whole; nothing where no pixel stride tells its strides.
std::optional<Placement> placement_in(const Graph& graph, ValueId whole, const Part& part);

// Whether the part's value lies where the whole has its cells.
bool lies_in(const Graph& graph, ValueId whole, const Part& part);

// Gives views their input's place. Before anything asks for a home.
void place_views(Graph& graph);

// Places what concats join in their results, and what splits and slices take out in their inputs, wherever all that
// write and read the parts can.
void place_parts(Graph& graph);

}  // namespace fastconv::graph
