// Tables of taps: the coordinate an output position shows, and the weights of the cells around it.
#include <algorithm>
#include <cmath>

#include "kernels/resize/resize.h"

namespace fastconv {
namespace {

// The input coordinate that output position o shows.
double coordinate_of(const ResizeRule& rule, int64_t o, int64_t in, int64_t out, double scale, double width,
                     double roi_begin, double roi_end) {
  const double x = static_cast<double>(o), last = static_cast<double>(in - 1);
  switch (rule.coordinate) {
    case ResizeCoordinate::half_pixel:
      return (x + 0.5) / scale - 0.5;
    case ResizeCoordinate::half_pixel_symmetric:
      return static_cast<double>(in) / 2 * (1 - static_cast<double>(out) / width) + (x + 0.5) / scale - 0.5;
    case ResizeCoordinate::pytorch_half_pixel:
      return width == 1 ? 0.0 : (x + 0.5) / scale - 0.5;
    case ResizeCoordinate::align_corners:
      return width == 1 ? 0.0 : x * last / (width - 1);
    case ResizeCoordinate::asymmetric:
      return x / scale;
    case ResizeCoordinate::tf_half_pixel_for_nn:
      return (x + 0.5) / scale;
    case ResizeCoordinate::tf_crop_and_resize:
      return (width == 1 ? (roi_end - roi_begin) * last / 2 : x * (roi_end - roi_begin) * last / (width - 1)) +
             roi_begin * last;
  }
  return 0;
}

// The cell nearest to `base + ratio`, ratio in (0, 1].
int64_t nearest_cell(ResizeNearest rule, int64_t base, double ratio) {
  const bool up = ratio == 1 || rule == ResizeNearest::ceil ||
                  (rule == ResizeNearest::round_prefer_floor && ratio > 0.5) ||
                  (rule == ResizeNearest::round_prefer_ceil && ratio >= 0.5);
  return up ? base + 1 : base;
}

// Keys' cubic convolution kernel, and the triangle of linear interpolation, at distance x.
double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}
double linear_weight(double x) {
  return std::max(0.0, 1 - std::abs(x));
}

}  // namespace

ResizeAxis ResizeAxis::identity(int64_t size) {
  ResizeAxis axis;
  axis.in = axis.out = size;
  axis.index.resize(size);
  for (int64_t i = 0; i < size; ++i) axis.index[i] = i;
  axis.weight.assign(size, 1.0f);
  return axis;
}

ResizeAxis resize_axis(const ResizeRule& rule, int64_t in, int64_t out, double scale, double width, double roi_begin,
                       double roi_end) {
  ResizeAxis axis;
  axis.in = in;
  axis.out = out;
  // Taps lie at base + first, base + first + 1 ...; antialiasing stretches the kernel over 1 / shrink as many cells.
  const bool nearest = rule.mode == ResizeMode::nearest, cubic = rule.mode == ResizeMode::cubic;
  const double shrink = rule.antialias ? std::min(scale, 1.0) : 1.0;
  const int64_t first = nearest ? 0 : static_cast<int64_t>(std::floor((cubic ? -2 : -1) / shrink)) + 1;
  axis.taps = nearest ? 1 : 2 - 2 * first;
  axis.index.resize(out * axis.taps);
  axis.weight.resize(out * axis.taps);
  if (rule.coordinate == ResizeCoordinate::tf_crop_and_resize) axis.outside.resize(out);

  std::vector<double> weights(axis.taps);
  for (int64_t o = 0; o < out; ++o) {
    double x = coordinate_of(rule, o, in, out, scale, width, roi_begin, roi_end);
    if (!axis.outside.empty()) axis.outside[o] = !(x >= 0 && x <= static_cast<double>(in - 1));
    // Far outside every tap shows the edge: clamping keeps the integers below in range.
    x = std::clamp(x, -1.0 - static_cast<double>(axis.taps), static_cast<double>(in + axis.taps));
    const int64_t base = static_cast<int64_t>(std::ceil(x)) - 1;
    const double ratio = x - static_cast<double>(base);  // in (0, 1]
    int64_t* index = &axis.index[o * axis.taps];
    if (nearest) {
      index[0] = std::clamp<int64_t>(nearest_cell(rule.nearest, base, ratio), 0, in - 1);
      axis.weight[o] = 1.0f;
      continue;
    }
    double total = 0;
    for (int64_t t = 0; t < axis.taps; ++t) {
      const int64_t cell = base + first + t;
      const double distance = (static_cast<double>(first + t) - ratio) * shrink;
      weights[t] = cubic ? cubic_weight(distance, rule.cubic_coeff_a) : linear_weight(distance);
      if (rule.exclude_outside && (cell < 0 || cell >= in)) weights[t] = 0;
      index[t] = std::clamp<int64_t>(cell, 0, in - 1);
      total += weights[t];
    }
    if (total == 0 || !(rule.exclude_outside || rule.antialias)) total = 1;
    for (int64_t t = 0; t < axis.taps; ++t) {
      axis.weight[o * axis.taps + t] = static_cast<float>(weights[t] / total);
    }
  }
  return axis;
}

}  // namespace fastconv
