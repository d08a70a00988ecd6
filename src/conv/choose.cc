// The list of algorithms and the choice among them.
#include <algorithm>

#include "conv/algorithms.h"

namespace fastconv {
namespace {

const char* const kPrecisionNames[] = {"highest", "high", "medium"};

// A row of output pixels shorter than this leaves most of a register tile empty; gathering pixels of several rows
// into one matrix then pays for its copy.
constexpr int64_t kShortRow = 5;

const Algorithm& choose_auto(const ConvProblem& p) {
  const bool pointwise = p.taps() == 1;
  if (!p.transposed && !pointwise && p.out[2] < kShortRow && p.out_pixels() > p.out[2] && p.group_c() >= 8) {
    return kIm2col;
  }
  return kDirect;
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

const std::vector<const Algorithm*>& all_algorithms() {
  static const std::vector<const Algorithm*> all = {&kDirect, &kIm2col, &kReference};
  return all;
}

const Algorithm& choose_algorithm(const ConvProblem& problem, Isa isa, Precision precision, const std::string& name,
                                  const char* what) {
  (void)isa;
  (void)precision;
  if (name == "auto") return choose_auto(problem);
  for (const Algorithm* algorithm : all_algorithms()) {
    if (name != algorithm->name) continue;
    const std::string reason = algorithm->refuse(problem);
    if (!reason.empty()) value_error(what, ": algorithm ", name, " needs ", reason);
    return *algorithm;
  }
  value_error(what,
              ": algorithm must be one of auto, direct, im2col, winograd, winograd2, winograd4, winograd6, "
              "depthwise, reference, got ",
              name);
}

}  // namespace fastconv
