#include "conv/problem.h"

#include <algorithm>
#include <utility>

#include "base/checks.h"

namespace fastconv {
namespace {

// No array with more elements than this can exist; keeps sums of a few sizes far from wrapping.
constexpr int64_t kMostElements = int64_t{1} << 48;

void at_least(const char* what, const char* name, int64_t value, int64_t least) {
  if (value < least) value_error(what, ": ", name, " must be >= ", least, ", got ", value);
}

void at_most(const char* what, const char* name, int64_t value, int64_t most) {
  if (value > most) value_error(what, ": ", name, " must be <= ", most, ", got ", value);
}

int64_t product(const char* what, const char* name, std::initializer_list<int64_t> factors) {
  int64_t result = 1;
  for (const int64_t f : factors) {
    if (__builtin_mul_overflow(result, f, &result) || result > kMostElements) {
      std::string text;
      for (const int64_t factor : factors) text += (text.empty() ? "" : " * ") + std::to_string(factor);
      value_error(what, ": ", name, " must have at most 2^48 elements, got ", text);
    }
  }
  return result;
}

// From the first to the last input that a kernel meets along an axis, less one.
int64_t kernel_reach(const char* what, const ConvProblem& p, int axis) {
  at_least(what, "kernel size", p.kernel[axis], 1);
  at_least(what, "dilation", p.dilation[axis], 1);
  at_most(what, "dilation", p.dilation[axis], kMostElements);
  return product(what, "dilated kernel", {p.kernel[axis] - 1, p.dilation[axis]});
}

int64_t forward_extent(const char* what, const ConvProblem& p, int axis) {
  const int64_t padded = p.in[axis] + p.pad_begin[axis] + p.pad_end[axis];
  const int64_t reach = kernel_reach(what, p, axis);
  if (reach >= padded) {
    value_error(what, ": kernel must not be larger than the padded input, got (", p.kernel[axis], " - 1) * ",
                p.dilation[axis], " + 1 = ", reach + 1, " > ", padded);
  }
  return (padded - reach - 1) / p.stride[axis] + 1;
}

int64_t transposed_extent(const char* what, const ConvProblem& p, int axis) {
  const int64_t spread = product(what, "output", {p.in[axis] - 1, p.stride[axis]});
  const int64_t full = spread + kernel_reach(what, p, axis) + 1 + p.output_padding[axis];
  const int64_t size = full - p.pad_begin[axis] - p.pad_end[axis];
  if (size < 1) {
    value_error(what, ": padding must leave an output of at least 1, got ", p.pad_begin[axis], " + ", p.pad_end[axis],
                " around ", full);
  }
  return size;
}

// The forward form of a transposed convolution of stride 1, and back.
ConvProblem turned(ConvProblem p) {
  std::swap(p.transposed, p.flipped);
  for (int axis = 0; axis < 3; ++axis) {
    const int64_t reach = (p.kernel[axis] - 1) * p.dilation[axis];
    p.pad_begin[axis] = reach - p.pad_begin[axis];
    p.pad_end[axis] = reach + p.output_padding[axis] - p.pad_end[axis];
  }
  return p;
}

// The forward form where there is one, else the problem itself.
ConvProblem forward_form(const ConvProblem& p) {
  if (!p.transposed || p.stride != Dims{1, 1, 1}) return p;
  const ConvProblem forward = turned(p);
  const bool fits = std::ranges::min(forward.pad_begin) >= 0 && std::ranges::min(forward.pad_end) >= 0;
  return fits ? forward : p;
}

}  // namespace

double ConvProblem::flops() const {
  const double pixels = static_cast<double>(transposed || flipped ? in_pixels() : out_pixels());
  return 2.0 * static_cast<double>(n) * pixels * static_cast<double>(group_c() * group_k() * groups) *
         static_cast<double>(taps());
}

std::string ConvProblem::key() const {
  if (flipped) return turned(*this).key();
  const Dims ones{1, 1, 1}, zeros{0, 0, 0};
  int first = 0;
  const auto idle = [&](int i) {
    return in[i] == 1 && kernel[i] == 1 && stride[i] == 1 && dilation[i] == 1 && pad_begin[i] == 0 && pad_end[i] == 0 &&
           output_padding[i] == 0;
  };
  while (first < 2 && idle(first)) ++first;
  const auto joined = [first](const Dims& dims) {
    std::string text = std::to_string(dims[first]);
    for (int i = first + 1; i < 3; ++i) text += concat("x", dims[i]);
    return text;
  };
  std::string text = concat(c, "x", joined(in), ":", k, ":", joined(kernel));
  if (stride != ones) text += concat(":s", joined(stride));
  if (dilation != ones) text += concat(":d", joined(dilation));
  if (pad_begin != zeros || pad_end != zeros) text += concat(":p", joined(pad_begin));
  if (pad_begin != pad_end) text += concat("-", joined(pad_end));
  if (output_padding != zeros) text += concat(":o", joined(output_padding));
  if (groups != 1) text += concat(":g", groups);
  if (transposed) text += ":t";
  return text;
}

WeightLayout weight_layout(const ConvProblem& p) {
  const int64_t taps = p.taps(), group = p.group_c() * p.group_k() * taps;
  if (p.flipped) return {taps - 1, group, taps, p.group_k() * taps, -1};
  if (p.transposed) return {0, group, taps, p.group_k() * taps, 1};
  return {0, group, p.group_c() * taps, taps, 1};
}

const char* weight_order(const ConvProblem& p) {
  return p.flipped ? "flipped" : p.transposed ? "transposed" : "";
}

std::string refuse_transposed(const ConvProblem& p) {
  if (!p.transposed) return "";
  const std::string needs = "a forward convolution, or a transposed one of ";
  const int64_t stride = std::ranges::max(p.stride);
  if (stride > 1) return concat(needs, "stride 1, got stride ", stride);
  const ConvProblem forward = turned(p);
  int axis = 0;
  while (forward.pad_begin[axis] >= 0 && forward.pad_end[axis] >= 0) ++axis;
  return concat(needs, "padding <= dilation * (kernel - 1), got padding ",
                std::max(p.pad_begin[axis], p.pad_end[axis] - p.output_padding[axis]), " with dilation ",
                p.dilation[axis], " and kernel ", p.kernel[axis]);
}

void validate(ConvProblem& p, const char* what) {
  at_least(what, "batch", p.n, 0);
  at_least(what, "groups", p.groups, 1);
  at_least(what, "input channels", p.c, 1);
  at_least(what, "output channels", p.k, 1);
  if (p.c % p.groups) value_error(what, ": input channels must be divisible by groups, got ", p.c, " and ", p.groups);
  if (p.k % p.groups) value_error(what, ": output channels must be divisible by groups, got ", p.k, " and ", p.groups);
  for (const int64_t size : p.in) at_least(what, "input size", size, 1);
  product(what, "input", {p.n, p.c, p.in[0], p.in[1], p.in[2]});
  for (int axis = 0; axis < 3; ++axis) {
    at_least(what, "stride", p.stride[axis], 1);
    at_most(what, "stride", p.stride[axis], kMostElements);
    at_least(what, "padding", p.pad_begin[axis], 0);
    at_least(what, "padding", p.pad_end[axis], 0);
    at_most(what, "padding", p.pad_begin[axis], kMostElements);
    at_most(what, "padding", p.pad_end[axis], kMostElements);
    if (p.transposed) {
      at_least(what, "output_padding", p.output_padding[axis], 0);
      if (p.output_padding[axis] >= p.stride[axis] && p.output_padding[axis] >= p.dilation[axis]) {
        value_error(what, ": output_padding must be smaller than stride or dilation, got ", p.output_padding[axis],
                    " with stride ", p.stride[axis], " and dilation ", p.dilation[axis]);
      }
    }
    p.out[axis] = p.transposed ? transposed_extent(what, p, axis) : forward_extent(what, p, axis);
  }
  product(what, "output", {p.n, p.k, p.out[0], p.out[1], p.out[2]});
  product(what, "weight", {p.c, p.k / p.groups, p.kernel[0], p.kernel[1], p.kernel[2]});
  p = forward_form(p);
  product(what, "padded input",
          {p.c, p.in[0] + p.pad_begin[0] + p.pad_end[0], p.in[1] + p.pad_begin[1] + p.pad_end[1],
           p.in[2] + p.pad_begin[2] + p.pad_end[2]});
}

void set_same_padding(ConvProblem& p, const char* what) {
  for (int axis = 0; axis < 3; ++axis) {
    if (p.stride[axis] != 1) value_error(what, ": padding \"same\" needs stride 1, got ", p.stride[axis]);
    const int64_t total = kernel_reach(what, p, axis);
    p.pad_begin[axis] = total / 2;
    p.pad_end[axis] = total - total / 2;
  }
}

}  // namespace fastconv
