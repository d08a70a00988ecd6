// Folds in plain C++, and their types.
#include "kernels/reduce/plain.h"

#include <limits>
#include <type_traits>

#include "base/with_type.h"
#include "base/wrapping.h"
#include "kernels/reduce/axis.h"

namespace fastconv {
namespace {

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <class T, Reducer R>
T start() {
  using Limits = std::numeric_limits<T>;
  if constexpr (R == Reducer::max) return std::is_integral_v<T> ? Limits::lowest() : -Limits::infinity();
  if constexpr (R == Reducer::min) return std::is_integral_v<T> ? Limits::max() : Limits::infinity();
  return R == Reducer::prod ? T(1) : T(0);
}

template <class T, Reducer R>
T fold(T acc, T x) {
  if constexpr (R == Reducer::max) return x > acc || is_nan(x) ? x : acc;
  if constexpr (R == Reducer::min) return x < acc || is_nan(x) ? x : acc;
  if constexpr (R == Reducer::prod) return wrapping::mul(acc, x);
  if constexpr (R == Reducer::sum) return wrapping::add(acc, x);
  if constexpr (R == Reducer::sum_abs) return wrapping::add(acc, x < T(0) ? wrapping::mul(x, static_cast<T>(-1)) : x);
  if constexpr (R == Reducer::sum_square) return wrapping::add(acc, wrapping::mul(x, x));
}

template <class T, Reducer R>
void reduce(const void* x, void* y, int64_t outer, int64_t n, int64_t inner) {
  for_each_column_group({outer, n, inner}, [&](int64_t slice, int64_t col, int64_t columns) {
    const T* in = static_cast<const T*>(x) + slice * n * inner + col;
    T* out = static_cast<T*>(y) + slice * inner + col;
    for (int64_t i = 0; i < columns; ++i) out[i] = start<T, R>();
    for (int64_t j = 0; j < n; ++j, in += inner) {
      for (int64_t i = 0; i < columns; ++i) out[i] = fold<T, R>(out[i], in[i]);
    }
  });
}

}  // namespace

PlainReduceFn* plain_reduce(Reducer reducer, DType dtype) {
  return with_type(dtype, [&]<class T>() -> PlainReduceFn* {
    if (reducer == Reducer::max) return reduce<T, Reducer::max>;
    if (reducer == Reducer::min) return reduce<T, Reducer::min>;
    if constexpr (!std::is_same_v<T, bool>) {
      if (reducer == Reducer::sum) return reduce<T, Reducer::sum>;
      if (reducer == Reducer::prod) return reduce<T, Reducer::prod>;
      if (reducer == Reducer::sum_abs) return reduce<T, Reducer::sum_abs>;
      if (reducer == Reducer::sum_square) return reduce<T, Reducer::sum_square>;
    }
    return nullptr;
  });
}

}  // namespace fastconv
