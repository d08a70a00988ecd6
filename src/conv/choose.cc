// The list of algorithms and the choice among them.
#include <algorithm>

#include "conv/algorithms.h"

namespace fastconv {
namespace {

const char* const kPrecisionNames[] = {"highest", "high", "medium"};

// A row of output pixels shorter than this leaves most of a register tile empty; gathering pixels of several rows
// into one matrix then pays for its copy.
constexpr int64_t kShortRow = 5;

// Groups of one channel leave tap-GEMM's panels as wide as the multiplier; wide enough, they are better there.
constexpr int64_t kDepthwiseMultiplier = 8;

// The cost model counts multiply-adds at the speed of the GEMM kernel. Measured against it (AVX-512, 3x3, 64 to 512
// channels, 7x7 to 224x224): transforming one value costs about 12, and reading one weight from beyond L2 about 14.
constexpr double kTransformCost = 12, kStreamCost = 14;

double multiply_cost(double pixels, double weights) {
  const bool streams = weights * sizeof(float) > static_cast<double>(cpu_info().l2_bytes) / 2;
  return std::max(pixels, streams ? kStreamCost : 0.0) * weights;
}

double direct_cost(const ConvProblem& p) {
  return multiply_cost(static_cast<double>(p.out_pixels()), static_cast<double>(p.c * p.group_k() * p.taps()));
}

double winograd_cost(const ConvProblem& p, int m) {
  const double points = (m + 2) * (m + 2);
  const double tiles = static_cast<double>(ceil_div(p.out[1], m) * ceil_div(p.out[2], m));
  return multiply_cost(tiles, points * static_cast<double>(p.c * p.k)) +
         kTransformCost * points * tiles * static_cast<double>(p.c + p.k);
}

// Few channels a group leave most of tap-GEMM's panels empty.
bool fits_depthwise(const ConvProblem& p) {
  return p.groups > 1 && kDepthwise.refuse(p).empty() && (p.group_c() > 1 || p.group_k() <= kDepthwiseMultiplier);
}

struct Candidate {
  const Algorithm* algorithm;
  int m;
};
constexpr Candidate kWinogradCandidates[] = {{&kWinograd2, 2}, {&kWinograd4, 4}, {&kWinograd6, 6}};

// The cheapest Winograd variant within the error budget. The problem must be one it applies to.
Candidate best_winograd(const ConvProblem& p, Precision precision) {
  Candidate best = kWinogradCandidates[0];
  for (const Candidate& c : kWinogradCandidates) {
    if (c.algorithm->precision(p) <= precision && winograd_cost(p, c.m) < winograd_cost(p, best.m)) best = c;
  }
  return best;
}

const Algorithm& choose_auto(const ConvProblem& p, Precision precision) {
  if (fits_depthwise(p)) return kDepthwise;
  if (kWinograd2.refuse(p).empty()) {
    const Candidate winograd = best_winograd(p, precision);
    if (winograd_cost(p, winograd.m) < direct_cost(p)) return *winograd.algorithm;
  }
  const bool short_rows = p.out[2] < kShortRow && p.out_pixels() > p.out[2];
  if (!p.transposed && p.taps() > 1 && short_rows && p.group_c() >= 8) return kIm2col;
  return kDirect;
}

[[noreturn]] void refuse(const char* what, const std::string& name, const std::string& reason) {
  value_error(what, ": algorithm ", name, " needs ", reason);
}

}  // namespace

const char* precision_name(Precision precision) {
  return kPrecisionNames[static_cast<int>(precision)];
}

Precision parse_precision(const std::string& name) {
  for (int i = 0; i < 3; ++i) {
    if (name == kPrecisionNames[i]) return static_cast<Precision>(i);
  }
  value_error("precision: must be one of highest, high, medium, got ", name);
}

AlignedArray<float> pack_weights(const Algorithm& algorithm, const ConvProblem& problem, const float* weights,
                                 Isa isa) {
  AlignedArray<float> packed(algorithm.packed_size(problem, isa));
  algorithm.pack(problem, weights, isa, packed.data());
  return packed;
}

const std::vector<const Algorithm*>& all_algorithms() {
  static const std::vector<const Algorithm*> all = {&kDepthwise, &kDirect,    &kIm2col,   &kWinograd2,
                                                    &kWinograd4, &kWinograd6, &kReference};
  return all;
}

std::vector<const Algorithm*> applicable_algorithms(const ConvProblem& problem, Precision precision) {
  std::vector<const Algorithm*> result;
  for (const Algorithm* algorithm : all_algorithms()) {
    const bool fits = algorithm->refuse(problem).empty() && algorithm->precision(problem) <= precision;
    if (fits && algorithm != &kReference) result.push_back(algorithm);
  }
  return result;
}

const Algorithm& choose_algorithm(const ConvProblem& problem, Isa, Precision precision, const std::string& name,
                                  const char* what) {
  // The cost model counts in multiply-adds, so that the ISA's speed cancels out.
  if (name == "auto") return choose_auto(problem, precision);
  if (name == "winograd") {
    const std::string reason = kWinograd2.refuse(problem);
    if (!reason.empty()) refuse(what, name, reason);
    return *best_winograd(problem, precision).algorithm;
  }
  for (const Algorithm* algorithm : all_algorithms()) {
    if (name != algorithm->name) continue;
    const std::string reason = algorithm->refuse(problem);
    if (!reason.empty()) refuse(what, name, reason);
    return *algorithm;
  }
  value_error(what,
              ": algorithm must be one of auto, direct, im2col, winograd, winograd2, winograd4, winograd6, "
              "depthwise, reference, got ",
              name);
}

}  // namespace fastconv
