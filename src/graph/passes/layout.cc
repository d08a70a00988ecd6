// The layout pass. Convolutions want channels_last, reshapes want plain; everything between follows what it is given.
// A value is converted at most once; conversions that move no byte (one channel, or one pixel) and transposes that
// only rename axes become views.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "graph/ops/ops.h"
#include "graph/passes/passes.h"
#include "kernels/copy/copy.h"

namespace fastconv::graph {
namespace {

// The logical axes in memory order.
std::vector<size_t> memory_order(size_t rank, Format format) {
  std::vector<size_t> order(rank);
  std::iota(order.begin(), order.end(), size_t{0});
  if (format == Format::channels_last && rank >= 3) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

bool same_bytes(const Shape& shape) {
  if (shape.size() < 3 || shape[1] == 1) return true;
  return std::all_of(shape.begin() + 2, shape.end(), [](int64_t extent) { return extent == 1; });
}

std::shared_ptr<const Constant> reformatted(DType dtype, const Shape& shape, const std::byte* from) {
  auto to = std::make_shared<Constant>();
  to->dtype = dtype;
  to->shape = shape;
  to->format = Format::channels_last;
  to->data = ConstantBytes(byte_count(dtype, shape));
  const int64_t pixels = element_count(Shape(shape.begin() + 2, shape.end()));
  copy_strided(to_channels_last(shape[0], shape[1], pixels, size_of(dtype)), from, to->data.fill());
  return to;
}

class Layout {
 public:
  Layout(Graph& graph, PackCache& cache) : graph_(graph), cache_(cache), twin_(graph.values.size(), kNoValue) {}

  void run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    for (Node& node : nodes) {
      if (std::strcmp(node.op->name, "transpose") == 0 && view_transpose(node)) continue;
      place(std::move(node));
    }
    for (ValueId& id : graph_.outputs) id = in_format(id, Format::plain);
    graph_.nodes = std::move(done_);
  }

 private:
  const Shape& shape(ValueId id) const { return graph_.values[id].shape; }
  bool has_format(ValueId id, Format format) const {
    return graph_.values[id].format == format || twin_[id] != kNoValue;
  }

  // `id` as a value of the same bytes with another shape or format.
  ValueId view(ValueId id, Shape shape, Format format) {
    Value value = graph_.values[id];
    value.shape = std::move(shape);
    value.format = format;
    const bool constant = value.constant != nullptr;
    const ValueId seen = new_value(std::move(value));
    if (!constant) done_.push_back({&op_identity, graph_.values[id].name, {id}, {seen}, {}});
    return seen;
  }

  ValueId new_value(Value value) {
    twin_.push_back(kNoValue);
    return graph_.new_value(std::move(value));
  }

  ValueId in_format(ValueId id, Format format) {
    if (shape(id).size() < 3 || graph_.values[id].format == format) return id;
    if (twin_[id] != kNoValue) return twin_[id];
    ValueId twin;
    if (same_bytes(shape(id))) {
      twin = view(id, shape(id), format);
    } else if (const ConstantPtr constant = graph_.values[id].constant) {
      Value value = graph_.values[id];
      value.format = format;
      value.constant =
          cache_.get<Constant>(constant, "channels_last " + to_string(value.shape),
                               [&](const std::byte* bytes) { return reformatted(value.dtype, value.shape, bytes); });
      twin = new_value(std::move(value));
    } else {
      Value value = graph_.values[id];
      value.format = format;
      twin = new_value(std::move(value));
      done_.push_back({&op_reformat, graph_.values[id].name, {id}, {twin}, {}});
    }
    twin_[id] = twin;
    twin_[twin] = id;
    return twin;
  }

  // Whether a node that may follow its inputs should be channels_last: where that moves fewer bytes.
  bool follows_channels_last(const Node& node) const {
    const size_t rank = shape(node.outputs[0]).size();
    if (rank < 3) return false;
    for (ValueId id : node.outputs) {
      if (shape(id).size() != rank) return false;
    }
    bool present = false;
    int64_t to_plain = 0, to_last = 0;
    for (ValueId id : followed(node)) {
      if (shape(id).size() > rank) return false;
      if (shape(id).size() < rank || graph_.values[id].constant) continue;
      const int64_t count = same_bytes(shape(id)) ? 0 : element_count(shape(id));
      if (!has_format(id, Format::channels_last)) to_last += count;
      if (!has_format(id, Format::plain)) to_plain += count;
      present = present || has_format(id, Format::channels_last);
    }
    return present && to_last <= to_plain;
  }

  // The inputs that lie in memory like the output, as opposed to arguments.
  static std::vector<ValueId> followed(const Node& node) {
    std::vector<ValueId> ids;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kNoValue && (i == 0 || !(node.op->flags & kValueInputs))) ids.push_back(node.inputs[i]);
    }
    return ids;
  }

  // A reshape among the axes behind the channels is a view in either format.
  bool keeps_channels(const Node& node) const {
    const Shape &in = shape(node.inputs[0]), &out = shape(node.outputs[0]);
    return in.size() >= 3 && out.size() >= 3 && in[0] == out[0] && in[1] == out[1];
  }

  void place(Node node) {
    Format format = Format::plain;
    if (node.op->flags & kView) {
      if (keeps_channels(node)) format = graph_.values[node.inputs[0]].format;
    } else if (node.op->layout == LayoutRule::channels_last ||
               (node.op->layout == LayoutRule::follow && follows_channels_last(node))) {
      format = Format::channels_last;
    }
    const bool follow = node.op->layout == LayoutRule::follow;
    const size_t rank = shape(node.outputs[0]).size();
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      ValueId& id = node.inputs[i];
      if (id == kNoValue) continue;
      const bool argument =
          i > 0 && static_cast<int>(i) != node.residual && (!follow || (node.op->flags & kValueInputs));
      if (argument) {
        id = in_format(id, Format::plain);
        continue;
      }
      if (follow && format == Format::channels_last && shape(id).size() < rank) {
        Shape wide(rank - shape(id).size(), 1);
        wide.insert(wide.end(), shape(id).begin(), shape(id).end());
        id = view(in_format(id, Format::plain), std::move(wide), Format::plain);
      }
      id = in_format(id, format);
    }
    for (ValueId id : node.outputs) {
      graph_.values[id].format = shape(id).size() >= 3 ? format : Format::plain;
    }
    done_.push_back(std::move(node));
  }

  // A transpose whose result, in one of the two formats, has its input's bytes.
  bool view_transpose(const Node& node) {
    const ValueId in = node.inputs[0], out = node.outputs[0];
    const size_t rank = shape(in).size();
    std::vector<int64_t> perm(rank);
    std::iota(perm.rbegin(), perm.rend(), int64_t{0});
    if (const auto it = node.attributes.find("perm"); it != node.attributes.end()) {
      perm = std::get<std::vector<int64_t>>(it->second);
    }
    auto significant = [&](std::vector<size_t> axes) {
      std::erase_if(axes, [&](size_t axis) { return shape(in)[axis] == 1; });
      return axes;
    };
    for (Format from : {graph_.values[in].format, Format::plain, Format::channels_last}) {
      if (!has_format(in, from)) continue;
      for (Format to : {Format::plain, Format::channels_last}) {
        if (to == Format::channels_last && rank < 3) continue;
        std::vector<size_t> result;
        for (size_t axis : memory_order(rank, to)) {
          result.push_back(static_cast<size_t>(perm[axis] < 0 ? perm[axis] + static_cast<int64_t>(rank) : perm[axis]));
        }
        if (significant(result) != significant(memory_order(rank, from))) continue;
        done_.push_back({&op_identity, node.name, {in_format(in, from)}, {out}, {}});
        graph_.values[out].format = to;
        return true;
      }
    }
    return false;
  }

  Graph& graph_;
  PackCache& cache_;
  std::vector<ValueId> twin_;  // the same value in the other format, where it exists
  std::vector<Node> done_;
};

}  // namespace

void assign_formats(Graph& graph, PackCache& cache) {
  Layout(graph, cache).run();
}

}  // namespace fastconv::graph
