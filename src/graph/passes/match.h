// How passes read a graph backwards: which node made a value, and whether a value is one known number.
// A pass may change nodes in place while it matches; it must not move them (see Uses).
#pragma once

#include <cstring>
#include <optional>
#include <type_traits>

#include "graph/ops/ops.h"
#include "graph/passes/passes.h"

namespace fastconv::graph {

// An attribute, or what stands for it where it is absent. Nothing where it has another type: inference will say so.
template <class T>
std::optional<T> attribute(const Node& node, const char* name, T otherwise) {
  const auto it = node.attributes.find(name);
  if (it == node.attributes.end()) return otherwise;
  if (const T* value = std::get_if<T>(&it->second)) return *value;
  if constexpr (std::is_same_v<T, double>) {
    if (const int64_t* value = std::get_if<int64_t>(&it->second)) return static_cast<double>(*value);
  }
  return std::nullopt;
}

class Matcher {
 public:
  explicit Matcher(const Graph& graph) : graph_(graph), uses_(graph) {}

  // The node that makes `id` if it is an `op`; null otherwise, also for graph inputs and constants.
  const Node* made_by(ValueId id, const OpDef& op) const {
    if (id == kNoValue || uses_.producer[id] < 0) return nullptr;
    const Node& node = graph_.nodes[uses_.producer[id]];
    return node.op == &op ? &node : nullptr;
  }

  // A constant of one float32 element.
  std::optional<double> number(ValueId id) const {
    if (id == kNoValue) return std::nullopt;
    const ConstantPtr& constant = graph_.values[id].constant;
    if (!constant || constant->dtype != DType::f32 || element_count(constant->shape) != 1) return std::nullopt;
    float value;
    std::memcpy(&value, constant->data.data(), sizeof value);
    return value;
  }

  // Where one of a node's two inputs is a number: the other input, and the number.
  struct WithNumber {
    ValueId value;
    double number;
  };
  std::optional<WithNumber> with_number(const Node& node) const {
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (const auto known = number(node.inputs.at(i))) return WithNumber{node.inputs[1 - i], *known};
    }
    return std::nullopt;
  }

 private:
  const Graph& graph_;
  Uses uses_;
};

}  // namespace fastconv::graph
