// The intermediate representation: values (edges) and nodes. Logical shapes follow ONNX and torch (N, C, spatial...);
// how a value lies in memory is its format, chosen by the layout pass. Start reading at Graph, then op.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/checks.h"
#include "base/dtype.h"
#include "base/memory.h"
#include "kernels/elementwise/function.h"

namespace fastconv::graph {

using Shape = std::vector<int64_t>;
using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input that is absent
inline constexpr int64_t kDynamic = -1;  // an extent known only when an input arrives

// How a value of rank >= 3 lies in memory. channels_last: the logical axis 1 is the innermost. Rank < 3 is plain.
enum class Format : uint8_t { plain, channels_last };

using Attribute = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;
using Attributes = std::map<std::string, Attribute>;

// The bytes of a constant: memory of ours, or somebody's who keeps them as they are. Copies share them.
class ConstantBytes {
 public:
  ConstantBytes() = default;
  explicit ConstantBytes(int64_t size) : ConstantBytes(std::make_shared<AlignedArray<std::byte>>(size)) {}
  explicit ConstantBytes(std::shared_ptr<AlignedArray<std::byte>> own)
      : owner_(own), data_(own->data()), own_(own->data()), size_(own->size()) {}
  ConstantBytes(std::shared_ptr<const void> borrowed, int64_t size)
      : owner_(std::move(borrowed)), data_(static_cast<const std::byte*>(owner_.get())), size_(size) {}
  // For whoever makes them; null where they are borrowed.
  std::byte* fill() { return own_; }
  // Whether they may be changed: they are ours, and nobody else holds them.
  bool only_here() const { return own_ && owner_.use_count() == 1; }
  const std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::byte* own_ = nullptr;
  int64_t size_ = 0;
};

// Data known when the graph is built or planned. Shared, never copied: packed weights are cached by the address of the
// constant they come from. A Network has constants of its own, whose bytes it lets go while it makes plans: those that
// it holds in packed form alone (see pack_cache.h).
struct Constant {
  DType dtype;
  Shape shape;    // logical
  Format format;  // of `data`
  mutable ConstantBytes data;
};
using ConstantPtr = std::shared_ptr<const Constant>;

// A constant in plain format with a copy of `data`; null leaves the bytes to the caller.
std::shared_ptr<Constant> make_constant(DType dtype, Shape shape, const void* data);
// The same without a copy.
std::shared_ptr<Constant> make_constant(DType dtype, Shape shape, ConstantBytes data);

// Where a value lies: in memory of its own (no whole), or in that of another value, from its element `offset` on.
// pixel_stride: elements from one pixel of a channels_last value to the next; 0: dense. See placement.h.
struct Placement {
  ValueId whole = kNoValue;
  int64_t offset = 0;
  int64_t pixel_stride = 0;
  friend bool operator==(const Placement&, const Placement&) = default;
};

struct Value {
  std::string name;
  DType dtype = DType::f32;
  Shape shape{};  // may hold kDynamic before a plan fixes it
  Format format = Format::plain;
  ConstantPtr constant{};  // set where the value is known
  Placement placement{};
  int pieces = 0;  // not 0: it lies in memory as so many bfloat16 for each float32, see pieces.h
};

struct OpDef;

struct Node {
  const OpDef* op = nullptr;
  std::string name;
  std::vector<ValueId> inputs;  // kNoValue where an optional input is absent
  std::vector<ValueId> outputs;
  Attributes attributes{};
  // What a layer does before it stores: y = function(result + inputs[residual]). Set by the pass that fuses epilogues.
  FunctionCall function{};
  int residual = -1;
  int choice = -1;  // of an operator with several algorithms: the number of the one that was chosen (see PieceUse)
};

int64_t element_count(std::span<const int64_t> shape);  // overflow-checked; all extents must be known
inline int64_t byte_count(DType dtype, std::span<const int64_t> shape) {
  return checked_mul(element_count(shape), size_of(dtype));
}
std::string to_string(std::span<const int64_t> shape);  // "[1, 3, ?, ?]"
DType parse_dtype(const std::string& name);             // NumPy's name; ValueError where unknown

// The graph and its builder in one: nodes stand in the order they were added, which is a valid order to run them.
// Every frontend (ONNX, torch, fc.nn, C++) makes these calls and nothing else.
class Graph {
 public:
  ValueId add_input(const std::string& name, DType dtype, Shape shape);
  ValueId add_constant(DType dtype, Shape shape, const void* data, const std::string& name = "");
  ValueId add_constant(ConstantPtr constant, const std::string& name);
  // Appends an operator of the vocabulary (docs/graph_ops.md). ValueError, with nothing changed, for an unknown
  // operator, value or attribute, and where the operator takes other numbers of inputs and outputs or another type.
  std::vector<ValueId> add(const std::string& op, std::vector<ValueId> inputs, Attributes attributes = {},
                           int output_count = 1, const std::string& name = "");
  void add_output(ValueId value, const std::string& name);

  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<std::string> output_names;

  ValueId new_value(Value value);
};

}  // namespace fastconv::graph
