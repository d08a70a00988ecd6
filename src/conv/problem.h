// A convolution's numbers, always with three spatial axes (leading ones are 1 for 1-D and 2-D), and the standard
// output-size formulas (Dumoulin & Visin, arXiv:1603.07285). Made valid by validate(); everything below relies on it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace fastconv {

using Dims = std::array<int64_t, 3>;  // depth, height, width

struct ConvProblem {
  bool transposed = false;
  // A transposed convolution of stride 1 is a forward one of filters turned round, with padding of what the given one
  // leaves of dilation * (kernel - 1). Unless that is negative, validate() makes it so: transposed no more, but
  // flipped.
  bool flipped = false;
  int64_t n = 1;  // images
  int64_t c = 1;  // input channels
  int64_t k = 1;  // output channels
  int64_t groups = 1;
  Dims in{1, 1, 1};
  Dims kernel{1, 1, 1};
  Dims stride{1, 1, 1};
  Dims dilation{1, 1, 1};
  Dims pad_begin{0, 0, 0};
  Dims pad_end{0, 0, 0};
  Dims output_padding{0, 0, 0};  // transposed only; flipped: in pad_end already
  Dims out{1, 1, 1};             // set by validate()

  int64_t group_c() const { return c / groups; }
  int64_t group_k() const { return k / groups; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  // Each output pixel is one input pixel's: a product of matrices.
  bool pointwise() const { return taps() == 1 && in == out && pad_begin == Dims{0, 0, 0} && stride == Dims{1, 1, 1}; }
  double flops() const;  // 2 x multiply-adds, all images, without dropped taps
  // All but the batch, as people write it: "64x56x56:64:3x3:p1x1" is input, output channels, kernel, padding; leading
  // axes that do nothing are left out. Equal for equal problems only.
  std::string key() const;
};

// Where weights lie in the caller's array: (k, c / groups, kernel...), or (c, k / groups, kernel...) where transposed
// or flipped. That of output k and input c of a group g through tap t is at first + g * group + k * output + c * input
// + t * tap.
struct WeightLayout {
  int64_t first, group, output, input, tap;
};
WeightLayout weight_layout(const ConvProblem& problem);
// "", "transposed" or "flipped": a part of the keys of packed weights.
const char* weight_order(const ConvProblem& problem);

// Why a problem is still transposed, as the reason of algorithms for forward ones; empty where it is forward.
std::string refuse_transposed(const ConvProblem& problem);

// Checks every rule, sets `out`, and makes a problem `flipped` that can be; ValueError "<what>: <rule>, got <value>"
// otherwise. All products are overflow-checked: afterwards no size computed from the problem can wrap.
void validate(ConvProblem& problem, const char* what);

// "same" padding as torch means it: stride 1, the odd cell at the end.
void set_same_padding(ConvProblem& problem, const char* what);

}  // namespace fastconv
