// Activations that a model spells out (x * sigmoid(x), x * relu6(x + 3) / 6 ...) become the operator they are, so that
// one kernel computes them and a layer can take them in. A product is read as its factors and a known scale, in
// whatever order the model multiplies them.
#include <cmath>

#include "graph/passes/match.h"

namespace fastconv::graph {
namespace {

constexpr int kMostFactors = 4;  // no activation here has more

bool is_near(double value, double expected) {
  return std::abs(value - expected) <= 1e-5 * std::abs(expected);
}

struct Product {
  std::vector<ValueId> factors;
  double scale = 1;
};

class Namer {
 public:
  explicit Namer(Graph& graph) : graph_(graph), match_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.op == &op_mul || node.op == &op_div) name_product(node);
    }
  }

 private:
  void name_product(Node& node) const {
    const Product product = product_of(node);
    if (product.factors.size() == 1 && is_near(product.scale, 1.0 / 6)) {
      if (const auto x = relu6_of_shifted(product.factors[0])) {
        become(node, op_hard_sigmoid, *x, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
      }
    }
    if (product.factors.size() != 2) return;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const ValueId x = product.factors[i], gate = product.factors[1 - i];
      if (const OpDef* op = gated(x, gate, product.scale)) return become(node, *op, x, {});
    }
  }

  // The operator that x * gate * scale is; null where it is none.
  const OpDef* gated(ValueId x, ValueId gate, double scale) const {
    if (is_near(scale, 1)) {
      if (reads(match_.made_by(gate, op_sigmoid), x)) return &op_silu;
      if (const Node* node = match_.made_by(gate, op_hard_sigmoid); reads(node, x) && is_hard_swish_gate(*node)) {
        return &op_hard_swish;
      }
      const Node* tanh = match_.made_by(gate, op_tanh);
      if (tanh && reads(match_.made_by(tanh->inputs[0], op_softplus), x)) return &op_mish;
    }
    if (is_near(scale, 1.0 / 6) && relu6_of_shifted(gate) == x) return &op_hard_swish;
    if (is_near(scale, 0.5) && is_gelu_gate(gate, x)) return &op_gelu;
    return nullptr;
  }

  static bool reads(const Node* node, ValueId x) { return node && node->inputs[0] == x; }

  static bool is_hard_swish_gate(const Node& node) {
    const auto alpha = attribute<double>(node, "alpha", 0.2), beta = attribute<double>(node, "beta", 0.5);
    return alpha && beta && is_near(*alpha, 1.0 / 6) && is_near(*beta, 0.5);
  }

  // x where `id` is min(max(x + 3, 0), 6).
  std::optional<ValueId> relu6_of_shifted(ValueId id) const {
    const Node* clip = match_.made_by(id, op_clip);
    if (!clip || clip->inputs.size() != 3 || match_.number(clip->inputs[1]) != 0.0 ||
        match_.number(clip->inputs[2]) != 6.0) {
      return std::nullopt;
    }
    const Node* sum = match_.made_by(clip->inputs[0], op_add);
    const auto shifted = sum ? match_.with_number(*sum) : std::nullopt;
    if (!shifted || shifted->number != 3) return std::nullopt;
    return shifted->value;
  }

  // 1 + erf(x / sqrt(2))
  bool is_gelu_gate(ValueId id, ValueId x) const {
    const Node* sum = match_.made_by(id, op_add);
    const auto shifted = sum ? match_.with_number(*sum) : std::nullopt;
    if (!shifted || shifted->number != 1) return false;
    const Node* erf = match_.made_by(shifted->value, op_erf);
    if (!erf) return false;
    Product inner;
    collect(erf->inputs[0], inner);
    return inner.factors == std::vector<ValueId>{x} && is_near(inner.scale, std::sqrt(0.5));
  }

  Product product_of(const Node& node) const {
    Product product;
    multiply(node, product);
    return product;
  }

  void multiply(const Node& node, Product& product) const {
    collect(node.inputs[0], product);
    if (const auto divisor = node.op == &op_div ? match_.number(node.inputs[1]) : std::nullopt) {
      product.scale /= *divisor;
    } else if (node.op == &op_div) {
      product.factors.resize(kMostFactors + 1);  // a quotient of tensors: no activation
    } else {
      collect(node.inputs[1], product);
    }
  }

  void collect(ValueId id, Product& product) const {
    if (product.factors.size() > kMostFactors) return;
    if (const auto known = match_.number(id)) {
      product.scale *= *known;
      return;
    }
    const Node* node = match_.made_by(id, op_mul);
    if (!node && (node = match_.made_by(id, op_div)) && !match_.number(node->inputs[1])) node = nullptr;
    if (node) return multiply(*node, product);
    product.factors.push_back(id);
  }

  static void become(Node& node, const OpDef& op, ValueId x, Attributes attributes) {
    node.op = &op;
    node.inputs = {x};
    node.attributes = std::move(attributes);
  }

  Graph& graph_;
  Matcher match_;
};

}  // namespace

void name_activations(Graph& graph) {
  Namer(graph).run();
}

}  // namespace fastconv::graph
