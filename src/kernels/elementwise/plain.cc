// One loop for each number of operands, instantiated for every function and type.
#include "kernels/elementwise/plain.h"

#include <cmath>
#include <type_traits>

#include "base/with_type.h"
#include "base/wrapping.h"

namespace fastconv {
namespace {

template <class T>
const T* operand(const void* const* operands, const BroadcastPanel& p, int i, int64_t row) {
  return static_cast<const T*>(operands[i]) + p.at[i] + row * p.row[i];
}

template <class T, class Result, class Fn>
void loop1(const void* const* operands, void* y, const BroadcastPanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    const T* a = operand<T>(operands, p, 0, i);
    Result* out = static_cast<Result*>(y) + p.out + i * p.out_row;
    for (int64_t j = 0; j < p.cols; ++j) out[j] = Fn()(a[j * p.col[0]]);
  }
}

template <class T, class Result, class Fn>
void loop2(const void* const* operands, void* y, const BroadcastPanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    const T *a = operand<T>(operands, p, 0, i), *b = operand<T>(operands, p, 1, i);
    Result* out = static_cast<Result*>(y) + p.out + i * p.out_row;
    for (int64_t j = 0; j < p.cols; ++j) out[j] = Fn()(a[j * p.col[0]], b[j * p.col[1]]);
  }
}

template <class First, class T, class Fn>
void loop3(const void* const* operands, void* y, const BroadcastPanel& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    const First* a = operand<First>(operands, p, 0, i);
    const T *b = operand<T>(operands, p, 1, i), *c = operand<T>(operands, p, 2, i);
    T* out = static_cast<T*>(y) + p.out + i * p.out_row;
    for (int64_t j = 0; j < p.cols; ++j) out[j] = Fn()(a[j * p.col[0]], b[j * p.col[1]], c[j * p.col[2]]);
  }
}

template <class T>
T quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a / b;
  if (b == T(0)) return T(0);
  if (b == static_cast<T>(-1))
    return std::is_signed_v<T> ? wrapping::sub(T(0), a) : T(a / b);  // the lowest / -1 would trap
  return static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    return b == T(0) ? T(0) : wrapping::sub(a, wrapping::mul(quotient(a, b), b));
  }
}
template <class T>
T power(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::pow(a, b);
  } else {
    if (b < T(0)) {  // 1 / a^-b, truncated
      if (a == T(1)) return a;
      return a == static_cast<T>(-1) ? (b % 2 == 0 ? T(1) : a) : T(0);
    }
    T result = 1;
    for (; b > T(0); b = static_cast<T>(b / 2), a = wrapping::mul(a, a)) {
      if (b % 2 != 0) result = wrapping::mul(result, a);
    }
    return result;
  }
}

template <BinaryFunction F>
struct Arithmetic {
  template <class T>
  T operator()(T a, T b) const {
    using enum BinaryFunction;
    if constexpr (F == add) return wrapping::add(a, b);
    if constexpr (F == sub) return wrapping::sub(a, b);
    if constexpr (F == mul) return wrapping::mul(a, b);
    if constexpr (F == div) return quotient(a, b);
    if constexpr (F == pow) return power(a, b);
    if constexpr (F == min) return a < b || a != a ? a : b;
    if constexpr (F == max) return a > b || a != a ? a : b;
    if constexpr (F == fmod) return remainder(a, b);
    if constexpr (F == mod) {  // with the sign of b
      const T r = remainder(a, b);
      return r != T(0) && (r < T(0)) != (b < T(0)) ? wrapping::add(r, b) : r;
    }
    if constexpr (F == prelu) return a < T(0) ? wrapping::mul(a, b) : a;
  }
};

template <Comparison C>
struct Compare {
  template <class T>
  bool operator()(T a, T b) const {
    using enum Comparison;
    if constexpr (C == equal) return a == b;
    if constexpr (C == less) return a < b;
    if constexpr (C == less_equal) return a <= b;
    if constexpr (C == greater) return a > b;
    if constexpr (C == greater_equal) return a >= b;
  }
};

template <Function F>
struct Unary {
  template <class T>
  T operator()(T x) const {
    if constexpr (F == Function::neg) return wrapping::sub(T(0), x);
    if constexpr (F == Function::abs) return x < T(0) ? wrapping::sub(T(0), x) : x;
    if constexpr (F == Function::sign) return static_cast<T>((x > T(0)) - (x < T(0)));
    if constexpr (F == Function::clamp) return x < T(0) ? T(0) : x;
  }
};

struct And {
  bool operator()(bool a, bool b) const { return a && b; }
};
struct Or {
  bool operator()(bool a, bool b) const { return a || b; }
};
struct Xor {
  bool operator()(bool a, bool b) const { return a != b; }
};
struct Not {
  bool operator()(bool a) const { return !a; }
};
struct Where {
  template <class T>
  T operator()(bool condition, T a, T b) const {
    return condition ? a : b;
  }
};
struct Clip {
  template <class T>
  T operator()(T x, T low, T high) const {
    const T raised = x < low ? low : x;
    return high < raised ? high : raised;
  }
};

}  // namespace

PlainFn* plain_unary(Function function, DType type) {
  return with_type(type, [&]<class T>() -> PlainFn* {
    if constexpr (std::is_same_v<T, bool>) {
      return nullptr;
    } else {
      switch (function) {
        case Function::neg:
          return loop1<T, T, Unary<Function::neg>>;
        case Function::abs:
          return loop1<T, T, Unary<Function::abs>>;
        case Function::sign:
          return loop1<T, T, Unary<Function::sign>>;
        case Function::clamp:
          return loop1<T, T, Unary<Function::clamp>>;
        default:
          return nullptr;
      }
    }
  });
}

PlainFn* plain_binary(BinaryFunction function, DType type) {
  return with_type(type, [&]<class T>() -> PlainFn* {
    if constexpr (!std::is_same_v<T, bool>) {
      switch (function) {
#define FASTCONV_BINARY_FUNCTION(name) \
  case BinaryFunction::name:           \
    return loop2<T, T, Arithmetic<BinaryFunction::name>>;
#include "kernels/elementwise/binary_functions.inc"
#undef FASTCONV_BINARY_FUNCTION
      }
    }
    return nullptr;
  });
}

PlainFn* plain_compare(Comparison comparison, DType type) {
  return with_type(type, [&]<class T>() -> PlainFn* {
    switch (comparison) {
      case Comparison::equal:
        return loop2<T, bool, Compare<Comparison::equal>>;
      case Comparison::less:
        return loop2<T, bool, Compare<Comparison::less>>;
      case Comparison::less_equal:
        return loop2<T, bool, Compare<Comparison::less_equal>>;
      case Comparison::greater:
        return loop2<T, bool, Compare<Comparison::greater>>;
      case Comparison::greater_equal:
        return loop2<T, bool, Compare<Comparison::greater_equal>>;
    }
    return nullptr;
  });
}

PlainFn* plain_logical(Logical function) {
  switch (function) {
    case Logical::logical_and:
      return loop2<bool, bool, And>;
    case Logical::logical_or:
      return loop2<bool, bool, Or>;
    case Logical::logical_xor:
      return loop2<bool, bool, Xor>;
  }
  return nullptr;
}

PlainFn* plain_not() {
  return loop1<bool, bool, Not>;
}

PlainFn* plain_where(DType type) {
  return with_type(type, []<class T>() -> PlainFn* { return loop3<bool, T, Where>; });
}

PlainFn* plain_clip(DType type) {
  return with_type(type, []<class T>() -> PlainFn* {
    if constexpr (std::is_same_v<T, bool>) return nullptr;
    return loop3<T, T, Clip>;
  });
}

}  // namespace fastconv
