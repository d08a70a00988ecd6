// The interpolation points of Winograd's F(m, r), which has T = m + r - 1 of them: 0, +-p_1, +-p_2 ... and infinity.
// Weight packing and kernels derive all their matrices from this one table (Cook-Toom; see Lavin & Gray,
// arXiv:1509.09308).
//
// Since the points come in pairs, transforms fall into even and odd parts. With y = x^2,
//   all(y)  = prod over i (y - p_i^2)            rows for the points 0 and infinity
//   rest_i(y) = prod over l != i (y - p_l^2)     rows for +-p_i: even part +- odd part
//
// Six points are 3/4 and 3/2, not the textbook's 1 and 2: half the error (docs/decisions/0003-numerics.md).
#pragma once

namespace fastconv {

template <int T>
struct WinogradPoints {
  static constexpr int kPairs = T / 2 - 1;
  double p[kPairs];
  double all[kPairs + 1];       // coefficients of y^k
  double rest[kPairs][kPairs];  // rest[i][k]: of y^k
  // What products are divided by at +-p_i: the product of the differences to all other finite points. At 0 it is
  // all[0]. At infinity weights are the last tap times p_1^(taps - 1), as if pixels lay p_1 apart, and products divided
  // by that.
  double norm[kPairs];

  constexpr explicit WinogradPoints(const double (&points)[kPairs]) : p(), all(), rest(), norm() {
    for (int i = 0; i < kPairs; ++i) p[i] = points[i];
    expand(-1, all);
    for (int i = 0; i < kPairs; ++i) {
      expand(i, rest[i]);
      norm[i] = 2 * p[i] * p[i] * at(rest[i], kPairs, p[i] * p[i]);
    }
  }
  constexpr double last_tap(int taps) const {
    double power = 1;
    for (int i = 1; i < taps; ++i) power *= p[0];
    return power;
  }

 private:
  constexpr void expand(int without, double* c) const {
    int degree = 0;
    c[0] = 1;
    for (int i = 0; i < kPairs; ++i) {
      if (i == without) continue;
      c[degree + 1] = c[degree];
      for (int k = degree; k > 0; --k) c[k] = c[k - 1] - p[i] * p[i] * c[k];
      c[0] *= -p[i] * p[i];
      ++degree;
    }
  }
  static constexpr double at(const double* c, int count, double y) {
    double value = 0;
    for (int k = count - 1; k >= 0; --k) value = value * y + c[k];
    return value;
  }
};

template <int T>
constexpr WinogradPoints<T> winograd_points();

// The first T of All points: 0, infinity, and the first pairs.
template <int T, int All>
constexpr WinogradPoints<T> first_points(const WinogradPoints<All>& all) {
  double p[T / 2 - 1] = {};
  for (int i = 0; i < T / 2 - 1; ++i) p[i] = all.p[i];
  return WinogradPoints<T>(p);
}

template <>
constexpr WinogradPoints<4> winograd_points<4>() {
  return WinogradPoints<4>({1.0});
}
template <>
constexpr WinogradPoints<6> winograd_points<6>() {
  return WinogradPoints<6>({0.75, 1.5});
}
template <>
constexpr WinogradPoints<8> winograd_points<8>() {
  return WinogradPoints<8>({0.5, 1.0, 2.0});
}

}  // namespace fastconv
