// Work along one axis of a dense (outer, n, inner) tensor in plain C++, for every type: the position of the largest or
// smallest, the k largest, running sums.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/dtype.h"
#include "base/threads.h"

namespace fastconv {

struct AxisExtents {
  int64_t outer, n, inner;
};

// index[o, i] = the j of the largest (smallest) x[o, j, i]: the first of equals, or the last. NaN counts as both.
struct ArgReduce {
  bool largest = true;
  bool last = false;
};
using ArgReduceFn = void(const void* x, int64_t* index, AxisExtents extents, ArgReduce what);
ArgReduceFn* arg_reduce(DType dtype);

// The k largest (smallest) along the axis, best first; of equals the one with the lower index first. NaN counts as
// larger than everything. workspace: topk_workspace_bytes().
struct TopK {
  int64_t k = 1;
  bool largest = true;
};
using TopKFn = void(const void* x, void* values, int64_t* indices, AxisExtents extents, TopK what, void* workspace);
TopKFn* topk(DType dtype);
int64_t topk_workspace_bytes(const AxisExtents& extents);

// y[o, j, i] = sum of x[o, 0..j, i] (exclusive: 0..j-1; reverse: from the other end). y may be x. Null for bool.
struct CumSum {
  bool exclusive = false;
  bool reverse = false;
};
using CumSumFn = void(const void* x, void* y, AxisExtents extents, CumSum how);
CumSumFn* cumsum(DType dtype);

// Columns that one task carries along the axis together (results on its stack or in one cache line or two).
inline constexpr int64_t kAxisColumns = 64;

// Calls body(o, i, columns), for groups of columns i, i + 1 ... of all outer slices, on num_threads() threads.
template <class Body>
void for_each_column_group(const AxisExtents& e, const Body& body) {
  const int64_t groups = (e.inner + kAxisColumns - 1) / kAxisColumns;
  const int64_t cost = std::max<int64_t>(1, e.n * std::min(e.inner, kAxisColumns));
  parallel_for(e.outer * groups, std::max<int64_t>(1, (16 << 10) / cost), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t col = item % groups * kAxisColumns;
      body(item / groups, col, std::min(kAxisColumns, e.inner - col));
    }
  });
}

}  // namespace fastconv
