#include "graph/ops/broadcast.h"

namespace fastconv::graph {
namespace {

class PlainStep final : public Step {
 public:
  PlainStep(PlainFn* fn, Broadcast loops) : fn_(fn), loops_(std::move(loops)) {}
  void run(const StepBuffers& buffers) const noexcept override {
    loops_.for_each_panel([&](const BroadcastPanel& panel) { fn_(buffers.inputs, buffers.outputs[0], panel); });
  }
  std::string describe() const override { return "plain"; }

 private:
  PlainFn* fn_;
  Broadcast loops_;
};

}  // namespace

Shape broadcast_shape(const InferContext& c, int count) {
  Shape out;
  for (int i = 0; i < count; ++i) {
    const Shape& in = c.shape(i);
    if (in.size() > out.size()) out.insert(out.begin(), in.size() - out.size(), 1);
    const size_t lead = out.size() - in.size();
    for (size_t axis = 0; axis < in.size(); ++axis) {
      int64_t& extent = out[lead + axis];
      if (extent == 1) extent = in[axis];
      if (in[axis] != extent && in[axis] != 1) {
        std::string shapes = to_string(c.shape(0));
        for (int k = 1; k < count; ++k) shapes += " and " + to_string(c.shape(k));
        c.fail(concat("extents of broadcast inputs must be equal or 1, got ", shapes));
      }
    }
  }
  return out;
}

Shape broadcast_extents(const PlanContext& c, int input) {
  Value value = c.input(input);
  value.shape.insert(value.shape.begin(), c.output(0).shape.size() - value.shape.size(), 1);
  value.format = c.format();
  return PlanContext::physical_shape(value);
}

Broadcast broadcast_loops(const PlanContext& c, int count) {
  std::vector<Shape> extents;
  std::vector<int64_t> pixels{c.output(0).placement.pixel_stride};
  for (int i = 0; i < count; ++i) {
    extents.push_back(broadcast_extents(c, i));
    pixels.push_back(c.input(i).placement.pixel_stride);
  }
  return Broadcast(PlanContext::physical_shape(c.output(0)), extents, pixels);
}

std::unique_ptr<Step> plain_step(const PlanContext& c, PlainFn* fn, int count) {
  return std::make_unique<PlainStep>(fn, broadcast_loops(c, count));
}

}  // namespace fastconv::graph
