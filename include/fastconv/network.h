// A whole network: built once from the operators of docs/graph_ops.md, planned for each set of input shapes it meets,
// run many times, from any number of threads.
//
//   fastconv::GraphBuilder graph;
//   const auto x = graph.add_input("x", fastconv::DataType::float32, {1, 3, -1, -1});
//   const auto w = graph.add_constant(fastconv::DataType::float32, {8, 3, 3, 3}, weights);
//   const auto y = graph.add("relu", {graph.add("conv", {x, w}, {{"pads_begin", {1, 1}}, {"pads_end", {1, 1}}})});
//   graph.add_output(y, "y");
//   const fastconv::Network network(graph);
//   network.run({{image, image_shape}}, {{result, result_shape}});
//
// Errors are std::invalid_argument with "what: rule, got value", or std::bad_alloc, and leave everything as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace fastconv {

enum class DataType : uint8_t { float32, float64, int64, int32, uint8, int8, boolean };

// A value of a graph: an input, a constant or an operator's result.
using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // in the place of an optional input that is absent
inline constexpr int64_t kDynamic = -1;  // an extent that may differ from run to run

// An operator's attribute: an int, a float, a string, or a list of ints ({2, 2}) or floats.
class Attribute {
 public:
  using Value = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Attribute(T number) : value_(static_cast<std::conditional_t<std::is_integral_v<T>, int64_t, double>>(number)) {}
  Attribute(const char* text) : value_(std::string(text)) {}
  Attribute(std::string text) : value_(std::move(text)) {}
  Attribute(std::initializer_list<int64_t> list) : value_(std::vector<int64_t>(list)) {}
  Attribute(std::vector<int64_t> list) : value_(std::move(list)) {}
  Attribute(std::vector<double> list) : value_(std::move(list)) {}

  const Value& value() const { return value_; }

 private:
  Value value_;
};
using Attributes = std::map<std::string, Attribute>;

class GraphBuilder {
 public:
  GraphBuilder();
  ~GraphBuilder();
  GraphBuilder(GraphBuilder&&) noexcept;
  GraphBuilder& operator=(GraphBuilder&&) noexcept;

  // Shapes are logical: N, C, spatial axes.
  ValueId add_input(const std::string& name, DataType type, const std::vector<int64_t>& shape);
  // `data`: as many elements as the shape says; copied.
  ValueId add_constant(DataType type, const std::vector<int64_t>& shape, const void* data,
                       const std::string& name = "");
  // Appends an operator and gives its output; errors name the node.
  ValueId add(const std::string& op, const std::vector<ValueId>& inputs, const Attributes& attributes = {},
              const std::string& name = "");
  // The same for an operator with several outputs (split, topk, max_pool with indices).
  std::vector<ValueId> add(const std::string& op, const std::vector<ValueId>& inputs, const Attributes& attributes,
                           int output_count, const std::string& name = "");
  void add_output(ValueId value, const std::string& name);

 private:
  friend class Network;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct NetworkOptions {
  std::string precision = "highest";  // the error budget: "highest", "high" or "medium"
  int max_plans = 8;  // how many sets of input shapes keep their plan; the least recently used goes first
  // Algorithms that you measured to be the fastest, by convolution_key() (fastconv/conv.h): they take the place of
  // "auto". One that does not apply to a convolution, or would break the error budget there, is passed over.
  std::map<std::string, std::string> algorithms{};
};

struct TensorSpec {
  std::string name;
  DataType type = DataType::float32;
  std::vector<int64_t> shape;  // kDynamic where it depends on the inputs
  bool known = true;           // false: type and rank are told by Network::outputs(inputs) alone
};

// An array of the caller's, dense, the last axis innermost. Data and shape stay the caller's and must outlive the call;
// T is const void for what is read and void for what is written.
template <class T>
struct TensorView {
  template <class Element>
  using Pointer = std::conditional_t<std::is_const_v<T>, const Element*, Element*>;

  DataType type = DataType::float32;
  size_t rank = 0;
  const int64_t* shape = nullptr;
  T* data = nullptr;

  TensorView() = default;
  TensorView(DataType t, const int64_t* extents, size_t axes, T* memory)
      : type(t), rank(axes), shape(extents), data(memory) {}
  TensorView(Pointer<float> values, const std::vector<int64_t>& extents)
      : TensorView(DataType::float32, extents.data(), extents.size(), values) {}
  TensorView(Pointer<int64_t> values, const std::vector<int64_t>& extents)
      : TensorView(DataType::int64, extents.data(), extents.size(), values) {}
};
using InputView = TensorView<const void>;
using OutputView = TensorView<void>;

class Network {
 public:
  // Where every input's extents are known the plan is made at once, and the first run only computes.
  explicit Network(const GraphBuilder& graph, const NetworkOptions& options = {});
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  const std::vector<TensorSpec>& inputs() const;
  // As far as they can be told before inputs arrive.
  std::vector<TensorSpec> outputs() const;
  // For these inputs. `data` is read only where an input's values shape the result (sizes, axes ...); elsewhere it may
  // be null. Makes the plan that a run of such inputs needs.
  std::vector<TensorSpec> outputs(const std::vector<InputView>& inputs) const;

  // Computes all outputs. Views are in the order of inputs() and outputs(); outputs must have the very type and shape
  // that outputs(inputs) tells. Inputs with shapes not met before are planned first; apart from that, and from the
  // first run on each of several threads at a time, a run allocates nothing. Any number of threads may call it.
  void run(const InputView* inputs, size_t input_count, const OutputView* outputs, size_t output_count) const;
  void run(std::initializer_list<InputView> inputs, std::initializer_list<OutputView> outputs) const {
    run(inputs.begin(), inputs.size(), outputs.begin(), outputs.size());
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fastconv
