// Pieces: a value between convolutions may lie in memory not as float32, but as the bfloat16 that the later ones
// multiply (conv/algorithm.h: Pieces). The epilogue of the first one writes them, by the conversion that the others
// would start with, so no result changes. Where anybody reads float32 the value is float32, and so are the values at
// the borders of a graph.
#pragma once

#include "graph/op.h"

namespace fastconv::graph {

// Bytes from an element to the next, from a piece to the next one, and of all of a value, as it lies in memory.
inline int64_t element_bytes(const Value& value) {
  return value.pieces ? static_cast<int64_t>(sizeof(uint16_t)) : size_of(value.dtype);
}
inline int64_t piece_bytes(const Value& value) {
  return round_up(checked_mul(element_count(value.shape), element_bytes(value)), kAlignment);
}
inline int64_t bytes_of(const Value& value) {
  return value.pieces ? checked_mul(value.pieces, piece_bytes(value)) : byte_count(value.dtype, value.shape);
}

// Chooses the values that are in pieces, and each node's algorithm, on which that depends. Once values have their
// places (placement.h).
void choose_pieces(Graph& graph, const PlanOptions& options, PackCache& cache);

}  // namespace fastconv::graph
