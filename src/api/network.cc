// Implements fastconv/network.h on graph/: checks what a caller hands in, and lends it to a plan. Start reading at
// Network::run.
#include "fastconv/network.h"

#include <algorithm>

#include "graph/network.h"

namespace fastconv {
namespace {

constexpr std::pair<DataType, DType> kTypes[] = {{DataType::float32, DType::f32}, {DataType::float64, DType::f64},
                                                 {DataType::int64, DType::i64},   {DataType::int32, DType::i32},
                                                 {DataType::uint8, DType::u8},    {DataType::int8, DType::i8},
                                                 {DataType::boolean, DType::b8}};

DType to_internal(DataType type) {
  for (const auto& [outside, inside] : kTypes) {
    if (type == outside) return inside;
  }
  value_error("type: must be a DataType, got ", static_cast<int>(type));
}

DataType to_public(DType type) {
  return std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& pair) { return pair.second == type; })
      ->first;
}

TensorSpec to_public(const graph::TensorSpec& spec) {
  return {spec.name, to_public(spec.dtype), spec.shape, true};
}

// A caller's view as the graph's; `what`: "input", for messages.
template <class T>
graph::TensorView to_internal(const TensorView<T>& view, const char* what, const std::string& name) {
  if (view.rank > 0 && !view.shape) value_error(what, " '", name, "': shape must not be null, got null");
  return {to_internal(view.type), {view.shape, view.rank}, view.data};
}

void check_count(const char* what, size_t wanted, size_t given) {
  if (given != wanted) value_error("network: ", what, " must be ", wanted, ", got ", given);
}

void check_data(const graph::TensorView& view, const char* what, const std::string& name) {
  if (!view.data && graph::element_count(view.shape) > 0) {
    value_error(what, " '", name, "': data must not be null, got null");
  }
}

void check_output(const graph::TensorView& view, const graph::TensorSpec& spec) {
  if (view.dtype != spec.dtype) {
    value_error("output '", spec.name, "': type must be ", dtype_name(spec.dtype), ", got ", dtype_name(view.dtype));
  }
  if (!std::equal(view.shape.begin(), view.shape.end(), spec.shape.begin(), spec.shape.end())) {
    value_error("output '", spec.name, "': shape must be ", graph::to_string(spec.shape), ", got ",
                graph::to_string(view.shape));
  }
}

// What one call needs besides the caller's arrays. Each thread keeps its own from call to call.
struct Scratch {
  std::vector<graph::TensorView> views;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
};

}  // namespace

struct GraphBuilder::Impl {
  graph::Graph graph;
};

GraphBuilder::GraphBuilder() : impl_(new Impl) {}
GraphBuilder::~GraphBuilder() = default;
GraphBuilder::GraphBuilder(GraphBuilder&&) noexcept = default;
GraphBuilder& GraphBuilder::operator=(GraphBuilder&&) noexcept = default;

ValueId GraphBuilder::add_input(const std::string& name, DataType type, const std::vector<int64_t>& shape) {
  return impl_->graph.add_input(name, to_internal(type), shape);
}

ValueId GraphBuilder::add_constant(DataType type, const std::vector<int64_t>& shape, const void* data,
                                   const std::string& name) {
  check_data({to_internal(type), shape, data}, "constant", name);
  return impl_->graph.add_constant(to_internal(type), shape, data, name);
}

ValueId GraphBuilder::add(const std::string& op, const std::vector<ValueId>& inputs, const Attributes& attributes,
                          const std::string& name) {
  return add(op, inputs, attributes, 1, name)[0];
}

std::vector<ValueId> GraphBuilder::add(const std::string& op, const std::vector<ValueId>& inputs,
                                       const Attributes& attributes, int output_count, const std::string& name) {
  graph::Attributes values;
  for (const auto& [key, attribute] : attributes) values.emplace(key, attribute.value());
  return impl_->graph.add(op, inputs, std::move(values), output_count, name);
}

void GraphBuilder::add_output(ValueId value, const std::string& name) {
  impl_->graph.add_output(value, name);
}

struct Network::Impl {
  Impl(const graph::Graph& graph, const NetworkOptions& options)
      : network(graph, {options.precision, options.max_plans, options.algorithms}) {
    for (const graph::TensorSpec& spec : network.inputs()) inputs.push_back(to_public(spec));
    network.plan_ahead();
  }

  // The plan for these inputs; leaves their views in `scratch`.
  std::shared_ptr<const graph::Plan> plan(const InputView* views, size_t count, Scratch& scratch) {
    check_count("inputs", inputs.size(), count);
    scratch.views.clear();
    for (size_t i = 0; i < count; ++i) scratch.views.push_back(to_internal(views[i], "input", inputs[i].name));
    return network.plan(scratch.views);
  }

  graph::Network network;
  std::vector<TensorSpec> inputs;
};

Network::Network(const GraphBuilder& graph, const NetworkOptions& options)
    : impl_(new Impl(graph.impl_->graph, options)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

const std::vector<TensorSpec>& Network::inputs() const {
  return impl_->inputs;
}

std::vector<TensorSpec> Network::outputs() const {
  std::vector<TensorSpec> specs;
  const auto known = impl_->network.outputs();
  for (size_t i = 0; i < known.size(); ++i) {
    specs.push_back(known[i] ? to_public(*known[i])
                             : TensorSpec{impl_->network.output_names()[i], DataType::float32, {}, false});
  }
  return specs;
}

std::vector<TensorSpec> Network::outputs(const std::vector<InputView>& inputs) const {
  Scratch scratch;
  const auto plan = impl_->plan(inputs.data(), inputs.size(), scratch);
  std::vector<TensorSpec> specs;
  for (const graph::TensorSpec& spec : plan->outputs) specs.push_back(to_public(spec));
  return specs;
}

void Network::run(const InputView* inputs, size_t input_count, const OutputView* outputs, size_t output_count) const {
  static thread_local Scratch scratch;
  const auto plan = impl_->plan(inputs, input_count, scratch);
  scratch.inputs.clear();
  for (size_t i = 0; i < input_count; ++i) {
    check_data(scratch.views[i], "input", impl_->inputs[i].name);
    scratch.inputs.push_back(inputs[i].data);
  }
  check_count("outputs", plan->outputs.size(), output_count);
  scratch.outputs.clear();
  for (size_t i = 0; i < output_count; ++i) {
    const graph::TensorSpec& spec = plan->outputs[i];
    const graph::TensorView view = to_internal(outputs[i], "output", spec.name);
    check_output(view, spec);
    check_data(view, "output", spec.name);
    scratch.outputs.push_back(outputs[i].data);
  }
  graph::Network::Lease lease(impl_->network, *plan);
  plan->run(lease.state(), scratch.inputs.data(), scratch.outputs.data());
}

}  // namespace fastconv
