// Copies by index: plain loops of memcpy, since what they do is chase addresses. Called by the graph's gather
// operators.
#pragma once

#include <cstdint>

namespace fastconv {

// dst[o, i, :] = src[o, index[i], :] for runs of `run_bytes`. An index below 0 counts from the end; one outside the
// axis is brought to its nearest end.
struct Gather {
  int64_t outer, extent, count, run_bytes;
};
template <class Index>
void gather(const Gather& g, const void* src, const Index* index, void* dst) noexcept;

// dst[p] = src[p with its coordinate on `axis` replaced by index[p]] for every p below `shape`; both row-major, the
// source with its own extents.
struct GatherElements {
  static constexpr int kMaxRank = 16;
  int rank, axis;
  int64_t shape[kMaxRank], src_shape[kMaxRank];
  int64_t element_size;
};
template <class Index>
void gather_elements(const GatherElements& g, const void* src, const Index* index, void* dst) noexcept;

}  // namespace fastconv
