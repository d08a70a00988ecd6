// What a convolution algorithm is: a name, an error class, what it refuses, how it packs weights, and a plan.
// One file an algorithm; the list and the choice are in choose.cc. Start reading at direct.cc.
//
// Data is NHWC (N, D, H, W, C) float32 here; borders to other layouts are the callers' business (graph/, api/).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bf16.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "conv/machine.h"
#include "conv/problem.h"
#include "kernels/epilogue.h"
#include "kernels/table.h"

namespace fastconv {

// The user's error budget, cheapest last; see docs/decisions on numerics. An algorithm's class for a problem is the
// strictest budget it keeps there.
enum class Precision : int { highest = 0, high = 1, medium = 2 };
Precision parse_precision(const std::string& name);
const char* precision_name(Precision precision);

// A value as bfloat16 that sum to its float32 (base/bf16.h): [piece][pixel][pair of channels], dense.
struct Pieces {
  int count = 0;       // 0: the value is in float32
  int64_t stride = 0;  // pairs from a piece of the value to the next one
};

struct ConvOptions {
  Isa isa = Isa::scalar;
  FunctionCall function;  // applied last
  bool residual = false;  // y = function(conv + bias + residual)
  // Elements from a pixel to the next; 0: dense (c for the input, k for the others).
  int64_t src_pixel_stride = 0;
  int64_t dst_pixel_stride = 0;
  int64_t residual_pixel_stride = 0;
  // Of a source and of outputs that are in pieces; only as the algorithm reads and writes them.
  Pieces src_pieces, dst_pieces;
};

// The options with every pixel stride told.
inline ConvOptions with_strides(ConvOptions options, const ConvProblem& p) {
  if (!options.src_pixel_stride) options.src_pixel_stride = p.c;
  if (!options.dst_pixel_stride) options.dst_pixel_stride = p.k;
  if (!options.residual_pixel_stride) options.residual_pixel_stride = p.k;
  return options;
}

struct ConvBuffers {
  const float* src;       // null where it is in pieces
  const float* weights;   // as the algorithm's pack() leaves them
  const float* bias;      // k values, or null
  const float* residual;  // as many values as dst (may be dst itself), or null
  float* dst;             // null where they are
  void* workspace;        // 64-byte aligned
  const Bf16Pair* src_pieces = nullptr;
  Bf16Pair* dst_pieces = nullptr;
};

// What is done to the outputs of pixels `step` apart, from this one and this channel on.
inline Epilogue epilogue_at(const ConvOptions& options, const ConvBuffers& buffers, int64_t pixel, int64_t step,
                            int64_t channel, bool streams = false) {
  Epilogue epilogue;
  if (buffers.bias) epilogue.bias = buffers.bias + channel;
  if (options.residual) {
    epilogue.residual = buffers.residual + pixel * options.residual_pixel_stride + channel;
    epilogue.residual_stride = step * options.residual_pixel_stride;
  }
  epilogue.call = options.function;
  epilogue.stream = streams && at_a_line(buffers.dst);
  return epilogue;
}

// Immutable once made; run() allocates nothing, throws nothing and takes no lock. A plan knows no weights: packed ones
// come with each run, so that plans for other input sizes can share them, and weights may be computed at run time.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  virtual int64_t workspace_bytes() const = 0;
  virtual void run(const ConvBuffers& buffers) const noexcept = 0;
  virtual const KernelInfo& kernel() const = 0;
};

struct Algorithm {
  const char* name;
  Precision (*precision)(const ConvProblem&);  // its class
  // Empty where it applies, else the reason, for "conv2d: algorithm winograd needs ..., got ...".
  std::string (*refuse)(const ConvProblem&);
  // What the packed form depends on besides weights, c, k, groups, kernel size and the algorithm itself.
  std::string (*pack_key)(const ConvProblem&, Isa);
  // The packed form's size in floats, and its making. weights: (k, c/groups, kernel...), or transposed
  // (c, k/groups, kernel...); packed: 64-byte aligned.
  int64_t (*packed_size)(const ConvProblem&, Isa);
  void (*pack)(const ConvProblem&, const float* weights, Isa, float* packed);  // does not throw
  std::unique_ptr<ConvPlan> (*plan)(const ConvProblem&, const ConvOptions&);
  // The weights again, bit for bit; null where the packed form does not tell them.
  void (*unpack)(const ConvProblem&, const float* packed, Isa, float* weights) = nullptr;
  // How many pieces of bfloat16 it takes a source's values apart to, and can be given instead; null: none, ever.
  int (*reads_pieces)(const ConvProblem&) = nullptr;
  // Whether it can store its outputs so; null: never.
  bool (*writes_pieces)(const ConvProblem&) = nullptr;
};

AlignedArray<float> pack_weights(const Algorithm& algorithm, const ConvProblem& problem, const float* weights, Isa isa);

// Every algorithm, in the order of preference among equals. "auto" and "winograd" are names of choices, not rows.
const std::vector<const Algorithm*>& all_algorithms();

// Those that apply to a problem, keep the budget and can be the fastest on the instruction set; `reference`, which is
// for checking, is not among them.
std::vector<const Algorithm*> applicable_algorithms(const ConvProblem& problem, Isa isa, Precision precision);

// Algorithms that were measured to be the fastest, by ConvProblem::key().
using Preferences = std::map<std::string, std::string>;

// The name to choose by: the preferred one where it applies and keeps the budget, else "auto".
std::string preferred_algorithm(const ConvProblem& problem, Precision precision, const Preferences& preferences);

// A pure function of the problem without its batch, the machine and the precision, so that results depend neither on
// the number of threads nor on the batch. `name`: "auto", "winograd" (the best variant) or a row's name.
// ValueError where the named one does not apply, with its reason.
const Algorithm& choose_algorithm(const ConvProblem& problem, const Machine& machine, Precision precision,
                                  const std::string& name, const char* what);

}  // namespace fastconv
