// The list of algorithms and the choice among them; cost.cc has the model it follows.
#include <utility>

#include "conv/abreast.h"
#include "conv/algorithms.h"
#include "conv/cost.h"
#include "kernels/costs.h"

namespace fastconv {
namespace {

const char* const kPrecisionNames[] = {"highest", "high", "medium"};

// Groups of one channel leave tap-GEMM's panels as wide as the multiplier; wide enough, they are better there.
constexpr int64_t kDepthwiseMultiplier = 8;

// Few channels a group leave most of tap-GEMM's panels empty.
bool fits_depthwise(const ConvProblem& p) {
  const bool few = p.groups > 1 || can_run_abreast(p);
  return few && kDepthwise.refuse(p).empty() && (p.group_c() > 1 || p.group_k() <= kDepthwiseMultiplier);
}

// Direct convolution on bfloat16, by the pieces of a value.
struct Split {
  const Algorithm* algorithm;
  int pieces;
};
const Split kSplits[] = {{&kDirectBf16, 1}, {&kDirectBf16x3, 2}, {&kDirectBf16x6, 3}};

// Whether it applies and keeps the budget; `reference` is for checking only.
bool fits(const Algorithm& algorithm, const ConvProblem& p, Precision precision) {
  return &algorithm != &kReference && algorithm.refuse(p).empty() && algorithm.precision(p) <= precision;
}

// Whether it can be the fastest at all: on bfloat16, only where the processor multiplies that faster.
bool pays(const Algorithm& algorithm, Isa isa) {
  for (const Split& split : kSplits) {
    if (split.algorithm == &algorithm) return split_pays(isa, split.pieces);
  }
  return true;
}

struct Candidate {
  const Algorithm* algorithm;
  double cost;
};

// The cheapest Winograd variant that applies and keeps the error budget, or the most exact one where none keeps it.
// Null where none applies.
Candidate best_winograd(const ConvProblem& p, const Machine& machine, Precision precision) {
  Candidate best{nullptr, 0};
  for (const auto& [algorithm, m] : {std::pair{&kWinograd2, 2}, {&kWinograd3, 3}, {&kWinograd4, 4}, {&kWinograd6, 6}}) {
    if (!algorithm->refuse(p).empty()) continue;
    if (best.algorithm && algorithm->precision(p) > precision) continue;
    const double cost = winograd_cost(p, machine, m);
    if (!best.algorithm || cost < best.cost) best = {algorithm, cost};
  }
  return best;
}

const Algorithm& choose_auto(const ConvProblem& p, const Machine& machine, Precision precision) {
  if (fits_depthwise(p)) return kDepthwise;
  Candidate best{&kDirect, direct_cost(p, machine)};
  const auto compare = [&](const Candidate& other) {
    if (other.cost < best.cost) best = other;
  };
  for (const auto& [algorithm, pieces] : kSplits) {
    if (algorithm->precision(p) <= precision) compare({algorithm, direct_bf16_cost(p, machine, pieces)});
  }
  if (kIm2col.refuse(p).empty()) compare({&kIm2col, im2col_cost(p, machine)});
  if (kCol2im.refuse(p).empty()) compare({&kCol2im, col2im_cost(p, machine)});
  const Candidate winograd = best_winograd(p, machine, precision);
  if (winograd.algorithm && winograd.algorithm->precision(p) <= precision) compare(winograd);
  return *best.algorithm;
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
  static const std::vector<const Algorithm*> all = {&kDepthwise,    &kDirect,    &kDirectBf16, &kDirectBf16x3,
                                                    &kDirectBf16x6, &kIm2col,    &kCol2im,     &kWinograd2,
                                                    &kWinograd3,    &kWinograd4, &kWinograd6,  &kReference};
  return all;
}

std::vector<const Algorithm*> applicable_algorithms(const ConvProblem& problem, Isa isa, Precision precision) {
  std::vector<const Algorithm*> result;
  for (const Algorithm* algorithm : all_algorithms()) {
    if (fits(*algorithm, problem, precision) && pays(*algorithm, isa)) result.push_back(algorithm);
  }
  return result;
}

std::string preferred_algorithm(const ConvProblem& problem, Precision precision, const Preferences& preferences) {
  if (preferences.empty()) return "auto";
  const auto found = preferences.find(problem.key());
  if (found == preferences.end()) return "auto";
  for (const Algorithm* algorithm : all_algorithms()) {
    if (found->second == algorithm->name && fits(*algorithm, problem, precision)) return found->second;
  }
  return "auto";
}

const Algorithm& choose_algorithm(const ConvProblem& problem, const Machine& machine, Precision precision,
                                  const std::string& name, const char* what) {
  if (name == "auto") return choose_auto(problem, machine, precision);
  if (name == "winograd") {
    const Algorithm* const best = best_winograd(problem, machine, precision).algorithm;
    if (!best) refuse(what, name, kWinograd2.refuse(problem));
    return *best;
  }
  for (const Algorithm* algorithm : all_algorithms()) {
    if (name != algorithm->name) continue;
    const std::string reason = algorithm->refuse(problem);
    if (!reason.empty()) refuse(what, name, reason);
    return *algorithm;
  }
  value_error(
      what,
      ": algorithm must be one of auto, direct, im2col, col2im, winograd, winograd2, winograd3, winograd4, winograd6, "
      "depthwise, direct_bf16, direct_bf16x3, direct_bf16x6, reference, got ",
      name);
}

}  // namespace fastconv
