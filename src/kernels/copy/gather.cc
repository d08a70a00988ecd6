#include "kernels/copy/gather.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"

namespace fastconv {
namespace {

int64_t place(int64_t index, int64_t extent) {
  return std::clamp<int64_t>(index < 0 ? index + extent : index, 0, extent - 1);
}

}  // namespace

template <class Index>
void gather(const Gather& g, const void* src, const Index* index, void* dst) noexcept {
  const int64_t grain = std::max<int64_t>(1, (int64_t{32} << 10) / std::max<int64_t>(1, g.run_bytes));
  parallel_for(g.outer * g.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / g.count * g.extent + place(index[item % g.count], g.extent);
      std::memcpy(static_cast<char*>(dst) + item * g.run_bytes, static_cast<const char*>(src) + row * g.run_bytes,
                  static_cast<size_t>(g.run_bytes));
    }
  });
}

template <class Index>
void gather_elements(const GatherElements& g, const void* src, const Index* index, void* dst) noexcept {
  int64_t count = 1;
  for (int d = 0; d < g.rank; ++d) count *= g.shape[d];
  parallel_for(count, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      int64_t rest = item, from = 0, stride = 1;
      for (int d = g.rank - 1; d >= 0; --d) {
        const int64_t i = rest % g.shape[d];
        rest /= g.shape[d];
        from += (d == g.axis ? place(index[item], g.src_shape[d]) : i) * stride;
        stride *= g.src_shape[d];
      }
      std::memcpy(static_cast<char*>(dst) + item * g.element_size,
                  static_cast<const char*>(src) + from * g.element_size, static_cast<size_t>(g.element_size));
    }
  });
}

template void gather(const Gather&, const void*, const int32_t*, void*) noexcept;
template void gather(const Gather&, const void*, const int64_t*, void*) noexcept;
template void gather_elements(const GatherElements&, const void*, const int32_t*, void*) noexcept;
template void gather_elements(const GatherElements&, const void*, const int64_t*, void*) noexcept;

}  // namespace fastconv
