// What an operator is to the graph: shape inference, a rule for its memory layout, and a plan that turns it into a
// step which only does arithmetic. An operator is one OpDef, listed in ops/ops.inc; its kernels are in src/kernels.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/ir.h"
#include "graph/pack_cache.h"

namespace fastconv::graph {

// A shape argument (a slice's starts, a reshape's shape ...) that is needed while planning but is not known.
// The planner answers by planning again with the value of the graph input it comes from, where there is one.
struct NeedsValue {
  ValueId value;
  std::string what;  // "reshape 'r3': input 1 must be known while planning"
};

// A broken rule, already told with the node's name.
class NodeError : public ValueError {
  using ValueError::ValueError;
};

inline std::string label_of(const Node& node);

// Read access to one node while shapes are inferred (all input shapes are concrete by then).
class InferContext {
 public:
  InferContext(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}
  const Graph& graph() const { return graph_; }
  const Node& node() const { return node_; }
  int input_count() const { return static_cast<int>(node_.inputs.size()); }
  int output_count() const { return static_cast<int>(node_.outputs.size()); }
  bool has_input(int i) const { return i < input_count() && node_.inputs[i] != kNoValue; }
  const Value& input(int i) const;  // ValueError "op: input i is required" where absent
  const Shape& shape(int i) const { return input(i).shape; }
  DType dtype(int i) const { return input(i).dtype; }
  const Constant* constant(int i) const;   // null where not known or absent
  const Constant& known(int i) const;      // the known value of an input; throws NeedsValue
  std::vector<int64_t> ints(int i) const;  // the same, of an int64/int32 vector or scalar
  double scalar(int i) const;              // the same, of a one-element input
  int64_t integer(int i) const;            // the same, of a one-element int64/int32 input
  // Attributes, with a default; their types are those of the OpDef. Required ones have none (ValueError where missing).
  int64_t get_int(const char* name, int64_t otherwise) const;
  int64_t get_int(const char* name) const;
  double get_float(const char* name, double otherwise) const;
  std::string get_string(const char* name, const char* otherwise) const;
  std::vector<int64_t> get_ints(const char* name, std::vector<int64_t> otherwise = {}) const;
  // "conv 'layer1.0'": how errors name the node.
  std::string label() const { return label_of(node_); }
  // Throws ValueError "<op> <node name>: <message>".
  [[noreturn]] void fail(const std::string& message) const;
  // A python-style axis in [-rank, rank) made non-negative; ValueError outside.
  int64_t axis(int64_t axis, int64_t rank) const;

  // Results, read by the planner: one dtype and shape per output.
  void set_output(int i, DType dtype, Shape shape);
  std::vector<Value> results;

 protected:
  const Graph& graph_;
  const Node& node_;
};

// Optional inputs left out at the end of a node's list are null in a step's list as well, which is at least this long.
inline constexpr size_t kLeastInputs = 8;

// What a step gets: pointers in the order of the node's inputs and outputs (null where absent, also at the end), all in
// the formats the layout pass chose, none aliased unless the operator's OpDef allows it; a residual may be the output.
struct StepBuffers {
  const void* const* inputs;
  void* const* outputs;
  void* workspace;  // 64-byte aligned, workspace_bytes() long
};

// A planned operator. Immutable after planning: one step is run by many threads at a time, each with its own buffers.
class Step {
 public:
  virtual ~Step() = default;
  virtual int64_t workspace_bytes() const { return 0; }
  virtual void run(const StepBuffers& buffers) const noexcept = 0;
  // For profiles: the algorithm and kernel in use ("winograd4 gemm_f32_14x32__avx512"), and its arithmetic.
  virtual std::string describe() const { return ""; }
  virtual double flops() const { return 0; }
  // The key under which PlanOptions::algorithms may prefer one of several algorithms, and their names; empty where
  // there is nothing to choose.
  virtual std::string choice_key() const { return ""; }
  virtual std::vector<std::string> alternatives() const { return {}; }
};

// What a Network was asked for; the same for all its plans.
struct PlanOptions {
  std::string precision = "highest";
  std::map<std::string, std::string> algorithms{};  // by Step::choice_key(); what does not apply is passed over
  int64_t l2_bytes = 0;  // the cache that stretches keep to (see images.h); 0: this machine's
};

// Everything infer sees, plus formats. Values' shapes stay logical; physical_* say how they lie in memory.
class PlanContext : public InferContext {
 public:
  PlanContext(const Graph& graph, const Node& node, const PlanOptions& options, PackCache& cache)
      : InferContext(graph, node), options_(options), cache_(cache) {}
  const Value& output(int i) const { return graph_.values[node_.outputs[i]]; }
  Format format() const { return output(0).format; }
  const PlanOptions& options() const { return options_; }
  // The extents in memory order: (N, spatial..., C) for channels_last.
  static Shape physical_shape(const Value& value);
  // Where a logical axis lies in memory for values of this rank in `format`.
  static int64_t physical_axis(int64_t axis, int64_t rank, Format format);
  // The known input `i` in a form of the step's own (see PackCache::get): the step does not read the input itself.
  template <class T, class Make>
  std::shared_ptr<const T> packed(int i, const std::string& key, const Make& make, PackCache::Unpack<T> unpack = {}) {
    packed_.push_back(input(i).constant.get());
    return cache_.get<T>(input(i).constant, key, make, std::move(unpack));
  }
  const std::vector<const Constant*>& packed_constants() const { return packed_; }

 private:
  const PlanOptions& options_;
  PackCache& cache_;
  std::vector<const Constant*> packed_;
};

// plain: wants every input plain, gives plain outputs.
// channels_last: wants input 0 channels_last (rank >= 3), the others plain; gives channels_last outputs.
// follow: takes whichever format its inputs have (all of the output's rank get the same one; inputs of lower rank are
//   first viewed with leading ones, as broadcasting does) and gives outputs in it; axes go through physical_axis().
//   Where an output has another rank than the inputs it is laid out as a plain one.
enum class LayoutRule : uint8_t { plain, channels_last, follow };

enum OpFlags : unsigned {
  kNoFlags = 0,
  kView = 1,           // the output is the input's memory under another shape: no step (formats must be plain)
  kMayAlias = 2,       // an output may share the memory of a dead input of the same physical shape and dtype
  kValueInputs = 4,    // inputs after the first are arguments read while planning (ints()), not at run time
  kShapeOnly = 8,      // the outputs depend on the inputs' shapes alone, so they are known while planning
  kReadsPixels = 16,   // reads channels_last inputs of any pixel stride (see Placement)
  kWritesPixels = 32,  // writes such outputs
  kPixelStrides = kReadsPixels | kWritesPixels,
  // Where the outputs and the inputs that hold images (see images.h) have one extent along axis 0, each index there is
  // made of the same index of those inputs alone.
  kEachImage = 64,
};

// How many inputs or outputs a node may have. Inputs from `least` on are optional: they may be absent, unless any
// number is allowed.
struct Arity {
  // "Any" has an end, so that a count from a damaged file cannot take all memory.
  static constexpr int kAny = 1 << 16;
  int least = 1;
  int most = least;
};

// What an attribute holds; where a float is due an int will do.
enum AttributeType : uint8_t { kInt, kFloat, kString, kInts };

struct AttributeDef {
  const char* name;
  AttributeType type;
};
using AttributeDefs = std::vector<AttributeDef>;
AttributeDefs joined(AttributeDefs first, const AttributeDefs& second);

// What a step has to do with values in pieces (see pieces.h). It follows from the algorithm, which is chosen with it
// and kept for plan() in Node::choice.
struct PieceUse {
  int choice = -1;
  int reads = 0;        // as how many it can be given its input 0; 0: it reads float32
  bool writes = false;  // whether it can write its output 0 as any number
};

struct OpDef {
  const char* name;
  void (*infer)(InferContext&);
  LayoutRule layout;
  unsigned flags;
  std::unique_ptr<Step> (*plan)(PlanContext&);  // null where the outputs lie in place already: nothing to do
  // What Graph::add holds nodes to.
  Arity inputs = {};
  AttributeDefs attributes = {};
  Arity outputs = {};
  PieceUse (*pieces)(PlanContext&) = nullptr;  // null: float32 alone
};

// ValueError where a node breaks its operator's declaration.
void check_declaration(const Node& node, int output_count);

inline std::string label_of(const Node& node) {
  return concat(node.op->name, " '", node.name, "'");
}

const OpDef* find_op(const std::string& name);  // null where unknown
std::vector<const OpDef*> all_ops();

}  // namespace fastconv::graph
