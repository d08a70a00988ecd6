// Searches and running sums along an axis.
#include "kernels/reduce/axis.h"

#include <numeric>
#include <type_traits>

#include "base/checks.h"
#include "base/with_type.h"
#include "base/wrapping.h"

namespace fastconv {
namespace {

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <class T, bool kLargest, bool kLast>
void arg_reduce_as(const void* x, int64_t* index, const AxisExtents& e) {
  for_each_column_group(e, [&](int64_t outer, int64_t col, int64_t columns) {
    const T* in = static_cast<const T*>(x) + outer * e.n * e.inner + col;
    int64_t* out = index + outer * e.inner + col;
    T best[kAxisColumns];
    for (int64_t i = 0; i < columns; ++i) best[i] = in[i], out[i] = 0;
    for (int64_t j = 1; j < e.n; ++j) {
      in += e.inner;
      for (int64_t i = 0; i < columns; ++i) {
        const bool better = kLargest ? in[i] > best[i] : in[i] < best[i];
        const bool equal = kLast && (in[i] == best[i] || (is_nan(in[i]) && is_nan(best[i])));
        if (better || equal || (is_nan(in[i]) && !is_nan(best[i]))) best[i] = in[i], out[i] = j;
      }
    }
  });
}

// Tasks of a top-k, each with room for one list of indices.
constexpr int64_t kTopKTasks = 16;

template <class T>
void topk_as(const void* x, void* values, int64_t* indices, AxisExtents e, TopK what, void* workspace) {
  const int64_t lists = e.outer * e.inner;
  parallel_for(kTopKTasks, lists * e.n < (16 << 10) ? kTopKTasks : 1, [&](int64_t begin, int64_t end) {
    int64_t* order = static_cast<int64_t*>(workspace) + begin * e.n;
    for (int64_t list = lists * begin / kTopKTasks; list < lists * end / kTopKTasks; ++list) {
      const int64_t outer = list / e.inner, inner = list % e.inner;
      const T* in = static_cast<const T*>(x) + outer * e.n * e.inner + inner;
      auto before = [&](int64_t i, int64_t j) {
        const T a = in[i * e.inner], b = in[j * e.inner];
        const bool less = a < b || (is_nan(b) && !is_nan(a)), greater = a > b || (is_nan(a) && !is_nan(b));
        if (less || greater) return what.largest ? greater : less;
        return i < j;
      };
      std::iota(order, order + e.n, int64_t{0});
      std::partial_sort(order, order + what.k, order + e.n, before);
      const int64_t out = outer * what.k * e.inner + inner;
      for (int64_t k = 0; k < what.k; ++k) {
        static_cast<T*>(values)[out + k * e.inner] = in[order[k] * e.inner];
        indices[out + k * e.inner] = order[k];
      }
    }
  });
}

template <class T>
void cumsum_as(const void* x, void* y, AxisExtents e, CumSum how) {
  using Sum = std::conditional_t<std::is_same_v<T, float>, double, T>;
  for_each_column_group(e, [&](int64_t outer, int64_t col, int64_t columns) {
    Sum sum[kAxisColumns] = {};
    for (int64_t step = 0; step < e.n; ++step) {
      const int64_t j = how.reverse ? e.n - 1 - step : step, at = (outer * e.n + j) * e.inner + col;
      const T* in = static_cast<const T*>(x) + at;
      T* out = static_cast<T*>(y) + at;
      for (int64_t i = 0; i < columns; ++i) {
        const Sum before = sum[i];
        sum[i] = wrapping::add(before, static_cast<Sum>(in[i]));
        out[i] = static_cast<T>(how.exclusive ? before : sum[i]);
      }
    }
  });
}

}  // namespace

ArgReduceFn* arg_reduce(DType dtype) {
  return with_type(dtype, []<class T>() -> ArgReduceFn* {
    return [](const void* x, int64_t* index, AxisExtents e, ArgReduce what) {
      if (what.largest) return (what.last ? arg_reduce_as<T, true, true> : arg_reduce_as<T, true, false>)(x, index, e);
      return (what.last ? arg_reduce_as<T, false, true> : arg_reduce_as<T, false, false>)(x, index, e);
    };
  });
}

TopKFn* topk(DType dtype) {
  return with_type(dtype, []<class T>() -> TopKFn* { return topk_as<T>; });
}
int64_t topk_workspace_bytes(const AxisExtents& e) {
  return checked_mul(checked_mul(kTopKTasks, e.n), sizeof(int64_t));
}

CumSumFn* cumsum(DType dtype) {
  return with_type(dtype, []<class T>() -> CumSumFn* {
    if constexpr (std::is_same_v<T, bool>) {
      return nullptr;
    } else {
      return cumsum_as<T>;
    }
  });
}

}  // namespace fastconv
