// Names for the functions of one variable: activations and the like. A plan holds a FunctionCall; apply.h computes
// it, for the elementwise kernels and for the epilogues of others alike, so that fused and separate give equal bits.
#pragma once

namespace fastconv {

enum class Function : int {
#define FASTCONV_FUNCTION(name) name,
#include "kernels/elementwise/functions.inc"
#undef FASTCONV_FUNCTION
};

// A function and its parameters; apply.h says what a and b mean to each. ReLU and ReLU6 are clamps.
struct FunctionCall {
  Function function = Function::identity;
  float a = 0, b = 0;
};

inline constexpr FunctionCall kRelu{Function::clamp, 0.0f, __builtin_inff()};
inline constexpr FunctionCall kRelu6{Function::clamp, 0.0f, 6.0f};

inline constexpr bool operator==(const FunctionCall& x, const FunctionCall& y) {
  return x.function == y.function && x.a == y.a && x.b == y.b;
}

}  // namespace fastconv
