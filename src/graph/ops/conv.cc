// conv and conv_transpose: the layers' attributes made a ConvProblem, and a step around the plan of an algorithm.
#include <algorithm>

#include "conv/algorithm.h"
#include "graph/ops/ops.h"
#include "graph/pieces.h"
#include "graph/placement.h"

namespace fastconv::graph {
namespace {

using PackedPtr = std::shared_ptr<const AlignedArray<float>>;

// Fills the last axes of `to`; an empty list leaves the default.
void set_axes(const InferContext& c, const char* name, size_t rank, Dims& to) {
  const std::vector<int64_t> values = c.get_ints(name);
  if (values.empty()) return;
  if (values.size() != rank) c.fail(concat(name, " must have ", rank, " values, got ", values.size()));
  std::copy(values.begin(), values.end(), to.end() - static_cast<std::ptrdiff_t>(rank));
}

// Pads of `total` cells, the odd one at the end for same_upper.
void split_padding(ConvProblem& p, int axis, int64_t total, bool odd_at_end) {
  p.pad_begin[axis] = odd_at_end ? total / 2 : total - total / 2;
  p.pad_end[axis] = total - p.pad_begin[axis];
}

// The padding that makes ceil(in / stride) outputs.
void pad_same(ConvProblem& p, int axis, bool odd_at_end) {
  const int64_t reach = checked_add(checked_mul(p.kernel[axis] - 1, p.dilation[axis]), 1);
  const int64_t out = ceil_div(p.in[axis], p.stride[axis]);
  const int64_t needed = checked_add(checked_mul(out - 1, p.stride[axis]), reach);
  split_padding(p, axis, std::max<int64_t>(needed - p.in[axis], 0), odd_at_end);
}

// The padding, or the additional output, that gives a transposed convolution `out` outputs.
void pad_transposed(ConvProblem& p, int axis, int64_t out, bool odd_at_end) {
  const int64_t reach = checked_add(checked_mul(p.kernel[axis] - 1, p.dilation[axis]), 1);
  const int64_t full = checked_add(checked_mul(p.in[axis] - 1, p.stride[axis]), reach);
  const int64_t total = checked_add(checked_add(full, p.output_padding[axis]), -out);
  if (total >= 0) return split_padding(p, axis, total, odd_at_end);
  p.pad_begin[axis] = p.pad_end[axis] = 0;
  p.output_padding[axis] -= total;
}

void apply_auto_pad(const InferContext& c, size_t rank, ConvProblem& p) {
  const std::string mode = c.get_string("auto_pad", "explicit");
  if (mode != "explicit" && mode != "same_upper" && mode != "same_lower" && mode != "valid") {
    c.fail(concat("auto_pad must be explicit, same_upper, same_lower or valid, got ", mode));
  }
  const bool same = mode == "same_upper" || mode == "same_lower", odd_at_end = mode == "same_upper";
  if (mode == "valid") p.pad_begin = p.pad_end = {0, 0, 0};
  Dims wanted{-1, -1, -1};
  if (p.transposed) set_axes(c, "output_shape", rank, wanted);
  for (int axis = 3 - static_cast<int>(rank); axis < 3; ++axis) {
    if (p.stride[axis] < 1) c.fail(concat("stride must be >= 1, got ", p.stride[axis]));
    if (!p.transposed && same) pad_same(p, axis, odd_at_end);
    if (p.transposed && same && wanted[axis] < 0) wanted[axis] = checked_mul(p.in[axis], p.stride[axis]);
    if (p.transposed && wanted[axis] >= 0) pad_transposed(p, axis, wanted[axis], odd_at_end);
  }
}

ConvProblem problem_of(const InferContext& c, bool transposed) {
  const Shape &x = c.shape(0), &w = c.shape(1);
  if (x.size() < 3 || x.size() > 5) c.fail(concat("input must have rank 3 to 5, got ", to_string(x)));
  if (w.size() != x.size()) {
    c.fail(concat("weight must have the input's rank ", x.size(), ", got ", to_string(w)));
  }
  for (int i = 0; i < 3; ++i) {
    if (c.has_input(i) && c.dtype(i) != DType::f32) {
      c.fail(concat("input ", i, " must be float32, got ", dtype_name(c.dtype(i))));
    }
  }
  const size_t rank = x.size() - 2;
  ConvProblem p;
  p.transposed = transposed;
  p.n = x[0];
  p.c = x[1];
  p.groups = c.get_int("groups", 1);
  if (p.groups < 1) c.fail(concat("groups must be >= 1, got ", p.groups));
  p.k = transposed ? checked_mul(w[1], p.groups) : w[0];
  if (const int64_t channels = transposed ? w[0] : checked_mul(w[1], p.groups); channels != p.c) {
    c.fail(concat("with groups ", p.groups, " and weight ", to_string(w), " the input must have ", channels,
                  " channels, got ", to_string(x)));
  }
  if (c.has_input(2) && c.shape(2) != Shape{p.k}) {
    c.fail(concat("bias must have shape [", p.k, "], got ", to_string(c.shape(2))));
  }
  std::copy(x.begin() + 2, x.end(), p.in.end() - static_cast<std::ptrdiff_t>(rank));
  std::copy(w.begin() + 2, w.end(), p.kernel.end() - static_cast<std::ptrdiff_t>(rank));
  set_axes(c, "strides", rank, p.stride);
  set_axes(c, "dilations", rank, p.dilation);
  set_axes(c, "pads_begin", rank, p.pad_begin);
  set_axes(c, "pads_end", rank, p.pad_end);
  if (transposed) set_axes(c, "output_padding", rank, p.output_padding);
  apply_auto_pad(c, rank, p);
  validate(p, c.label().c_str());
  return p;
}

template <bool kTransposed>
void infer_conv(InferContext& c) {
  const ConvProblem p = problem_of(c, kTransposed);
  Shape out{p.n, p.k};
  out.insert(out.end(), p.out.end() - static_cast<std::ptrdiff_t>(c.shape(0).size() - 2), p.out.end());
  c.set_output(0, DType::f32, std::move(out));
}

class ConvStep final : public Step {
 public:
  // packed: null where weights are computed at run time; each run packs them into the workspace then.
  ConvStep(const ConvProblem& problem, Precision precision, const Algorithm& algorithm, const ConvOptions& options,
           PackedPtr packed, int residual)
      : problem_(problem),
        precision_(precision),
        options_(options),
        algorithm_(algorithm),
        plan_(algorithm.plan(problem, options)),
        packed_(std::move(packed)),
        residual_(residual),
        packed_at_(round_up(plan_->workspace_bytes(), kAlignment)) {}

  int64_t workspace_bytes() const override {
    if (packed_) return packed_at_;
    return checked_add(packed_at_, checked_mul(algorithm_.packed_size(problem_, options_.isa), sizeof(float)));
  }

  void run(const StepBuffers& b) const noexcept override {
    const auto input = [&](int i) { return i < 0 ? nullptr : static_cast<const float*>(b.inputs[i]); };
    const float* weights = packed_ ? packed_->data() : pack(input(1), static_cast<std::byte*>(b.workspace));
    const bool reads = options_.src_pieces.count > 0, writes = options_.dst_pieces.count > 0;
    plan_->run({reads ? nullptr : input(0), weights, input(2), input(residual_),
                writes ? nullptr : static_cast<float*>(b.outputs[0]), b.workspace,
                reads ? static_cast<const Bf16Pair*>(b.inputs[0]) : nullptr,
                writes ? static_cast<Bf16Pair*>(b.outputs[0]) : nullptr});
  }

  std::string describe() const override { return concat(algorithm_.name, " ", plan_->kernel().name); }
  double flops() const override { return problem_.flops(); }
  std::string choice_key() const override { return problem_.key(); }
  std::vector<std::string> alternatives() const override {
    std::vector<std::string> names;
    for (const Algorithm* algorithm : applicable_algorithms(problem_, options_.isa, precision_))
      names.emplace_back(algorithm->name);
    return names;
  }

 private:
  const float* pack(const float* weights, std::byte* workspace) const noexcept {
    float* packed = reinterpret_cast<float*>(workspace + packed_at_);
    algorithm_.pack(problem_, weights, options_.isa, packed);
    return packed;
  }

  ConvProblem problem_;
  Precision precision_;
  ConvOptions options_;
  const Algorithm& algorithm_;
  std::unique_ptr<ConvPlan> plan_;
  PackedPtr packed_;
  int residual_;       // the input that holds it, or -1
  int64_t packed_at_;  // where weights packed at run time lie in the workspace
};

// The number of an algorithm: the node's choice, made now where it was not yet.
int chosen(const PlanContext& c, const ConvProblem& p) {
  if (c.node().choice >= 0) return c.node().choice;
  const Precision precision = parse_precision(c.options().precision);
  const std::string name = preferred_algorithm(p, precision, c.options().algorithms);
  const Algorithm& algorithm = choose_algorithm(p, Machine::here(active_isa()), precision, name, c.label().c_str());
  const auto& all = all_algorithms();
  return static_cast<int>(std::find(all.begin(), all.end(), &algorithm) - all.begin());
}

const Algorithm& algorithm_of(int choice) {
  return *all_algorithms()[static_cast<size_t>(choice)];
}

template <bool kTransposed>
PieceUse pieces_of_conv(PlanContext& c) {
  const ConvProblem p = problem_of(c, kTransposed);
  const int choice = chosen(c, p);
  const Algorithm& algorithm = algorithm_of(choice);
  return {choice, algorithm.reads_pieces ? algorithm.reads_pieces(p) : 0,
          algorithm.writes_pieces && algorithm.writes_pieces(p)};
}

// How a value's pieces lie: an image of a batch's in those of the batch.
Pieces layout_of(const Graph& graph, ValueId id) {
  const Value& whole = graph.values[home_of(graph, id)];
  return {whole.pieces, whole.pieces ? piece_bytes(whole) / static_cast<int64_t>(sizeof(Bf16Pair)) : 0};
}

template <bool kTransposed>
std::unique_ptr<Step> plan_conv(PlanContext& c) {
  const ConvProblem p = problem_of(c, kTransposed);
  ConvOptions options;
  options.isa = active_isa();
  options.function = c.node().function;
  options.residual = c.node().residual >= 0;
  options.src_pixel_stride = c.input(0).placement.pixel_stride;
  options.dst_pixel_stride = c.output(0).placement.pixel_stride;
  if (options.residual) options.residual_pixel_stride = c.input(c.node().residual).placement.pixel_stride;
  options.src_pieces = layout_of(c.graph(), c.node().inputs[0]);
  options.dst_pieces = layout_of(c.graph(), c.node().outputs[0]);
  const Algorithm& algorithm = algorithm_of(chosen(c, p));
  PackedPtr packed;
  if (c.input(1).constant) {
    using Packed = AlignedArray<float>;
    const std::string key =
        concat(c.node().op->name, " ", algorithm.name, " ", algorithm.pack_key(p, options.isa), " ", p.groups);
    const auto pack = [&](const std::byte* weights) {
      return std::make_shared<Packed>(pack_weights(algorithm, p, reinterpret_cast<const float*>(weights), options.isa));
    };
    PackCache::Unpack<Packed> unpack;
    if (algorithm.unpack) {
      unpack = [p, &algorithm, isa = options.isa](const Packed& all, std::byte* to) {
        algorithm.unpack(p, all.data(), isa, reinterpret_cast<float*>(to));
      };
    }
    packed = c.packed<Packed>(1, key, pack, std::move(unpack));
  }
  const Precision precision = parse_precision(c.options().precision);
  return std::make_unique<ConvStep>(p, precision, algorithm, options, std::move(packed), c.node().residual);
}

}  // namespace

const AttributeDefs kConvAttributes{{"strides", kInts},  {"dilations", kInts},  {"pads_begin", kInts},
                                    {"pads_end", kInts}, {"auto_pad", kString}, {"groups", kInt}};
const OpDef op_conv{"conv",
                    infer_conv<false>,
                    LayoutRule::channels_last,
                    kPixelStrides | kEachImage,
                    plan_conv<false>,
                    {2, 3},
                    kConvAttributes,
                    {},
                    pieces_of_conv<false>};
const AttributeDefs kConvTransposeAttributes =
    joined(kConvAttributes, {{"output_padding", kInts}, {"output_shape", kInts}});
const OpDef op_conv_transpose{
    "conv_transpose",    infer_conv<true>, LayoutRule::channels_last, kPixelStrides | kEachImage,
    plan_conv<true>,     {2, 3},           kConvTransposeAttributes,  {},
    pieces_of_conv<true>};

}  // namespace fastconv::graph
