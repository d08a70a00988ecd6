// Arithmetic of any element type; integers wrap (modulo 2^bits) instead of overflowing, as NumPy's do.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fastconv::wrapping {

// Integers are added unsigned, in at least 32 bits so that nothing is promoted back to int.
template <class T>
using Unsigned = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;

template <class T, class Fn>
T apply(T a, T b, Fn fn) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(fn(static_cast<Unsigned<T>>(a), static_cast<Unsigned<T>>(b)));
  } else {
    return fn(a, b);
  }
}

template <class T>
T add(T a, T b) {
  return apply(a, b, [](auto x, auto y) { return x + y; });
}
template <class T>
T sub(T a, T b) {
  return apply(a, b, [](auto x, auto y) { return x - y; });
}
template <class T>
T mul(T a, T b) {
  return apply(a, b, [](auto x, auto y) { return x * y; });
}

}  // namespace fastconv::wrapping
