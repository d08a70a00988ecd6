// resize: ONNX's Resize (opset 19) and torch's interpolate. Here the words become extents and scales for each axis;
// kernels/resize makes the tables of taps.
#include <algorithm>
#include <cmath>

#include "graph/ops/ops.h"
#include "kernels/resize/resize.h"

namespace fastconv::graph {
namespace {

template <class Enum>
struct Word {
  const char* name;
  Enum value;
};
constexpr Word<ResizeMode> kModes[] = {
    {"nearest", ResizeMode::nearest}, {"linear", ResizeMode::linear}, {"cubic", ResizeMode::cubic}};
constexpr Word<ResizeCoordinate> kCoordinates[] = {{"half_pixel", ResizeCoordinate::half_pixel},
                                                   {"half_pixel_symmetric", ResizeCoordinate::half_pixel_symmetric},
                                                   {"pytorch_half_pixel", ResizeCoordinate::pytorch_half_pixel},
                                                   {"align_corners", ResizeCoordinate::align_corners},
                                                   {"asymmetric", ResizeCoordinate::asymmetric},
                                                   {"tf_half_pixel_for_nn", ResizeCoordinate::tf_half_pixel_for_nn},
                                                   {"tf_crop_and_resize", ResizeCoordinate::tf_crop_and_resize}};
constexpr Word<ResizeNearest> kNearest[] = {{"round_prefer_floor", ResizeNearest::round_prefer_floor},
                                            {"round_prefer_ceil", ResizeNearest::round_prefer_ceil},
                                            {"floor", ResizeNearest::floor},
                                            {"ceil", ResizeNearest::ceil}};

// The value of a string attribute that must be one of `words`, the first of which is the default.
template <class Enum, size_t N>
Enum word(const InferContext& c, const char* attribute, const Word<Enum> (&words)[N]) {
  const std::string text = c.get_string(attribute, words[0].name);
  std::string known;
  for (const Word<Enum>& w : words) {
    if (text == w.name) return w.value;
    known += concat(known.empty() ? "" : ", ", w.name);
  }
  c.fail(concat(attribute, " must be one of ", known, ", got ", text));
}

// The known value of a float input; empty where it is absent.
std::vector<double> floats(const InferContext& c, int i) {
  if (!c.has_input(i)) return {};
  const Constant& constant = c.known(i);
  if (constant.dtype != DType::f32) c.fail(concat("roi and scales must be float32, got ", dtype_name(constant.dtype)));
  const float* data = reinterpret_cast<const float*>(constant.data.data());
  return std::vector<double>(data, data + element_count(constant.shape));
}

// What happens to one axis.
struct Target {
  int64_t out;
  double scale, width;  // width: the size before it is made an integer
  double roi_begin = 0, roi_end = 1;
};

ResizeRule rule_of(const InferContext& c) {
  ResizeRule rule;
  rule.mode = word(c, "mode", kModes);
  rule.coordinate = word(c, "coordinate_mode", kCoordinates);
  rule.nearest = word(c, "nearest_mode", kNearest);
  rule.cubic_coeff_a = c.get_float("cubic_coeff_a", -0.75);
  rule.exclude_outside = c.get_int("exclude_outside", 0) != 0;
  rule.antialias = c.get_int("antialias", 0) != 0;
  if (rule.antialias && rule.mode == ResizeMode::nearest) c.fail("antialias must be 0 with mode nearest, got 1");
  return rule;
}

// The axes that scales, sizes and roi speak of.
std::vector<int64_t> axes_of(const InferContext& c) {
  const int64_t rank = static_cast<int64_t>(c.shape(0).size());
  std::vector<int64_t> axes = c.get_ints("axes");
  if (axes.empty()) {
    for (int64_t a = 0; a < rank; ++a) axes.push_back(a);
  }
  std::vector<bool> seen(rank, false);
  for (int64_t& a : axes) {
    a = c.axis(a, rank);
    if (seen[a]) c.fail(concat("axes must name an axis once, got ", a, " twice"));
    seen[a] = true;
  }
  return axes;
}

void check_count(const InferContext& c, const char* what, size_t count, size_t wanted) {
  if (count != wanted) c.fail(concat(what, " must have ", wanted, " values, got ", count));
}

// By sizes. With keep_aspect, one scale for all axes: the smallest or the largest asked for.
void set_sizes(const InferContext& c, const std::vector<int64_t>& axes, const std::vector<int64_t>& sizes,
               std::vector<Target>& targets) {
  check_count(c, "sizes", sizes.size(), axes.size());
  const std::string policy = c.get_string("keep_aspect", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller") {
    c.fail(concat("keep_aspect must be stretch, not_larger or not_smaller, got ", policy));
  }
  double common = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t in = c.shape(0)[axes[i]];
    if (sizes[i] < 0) c.fail(concat("sizes must be >= 0, got ", sizes[i]));
    const double size = static_cast<double>(sizes[i]), scale = size / static_cast<double>(std::max<int64_t>(in, 1));
    targets[axes[i]] = {sizes[i], scale, size};
    common = i == 0 ? scale : policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
  }
  if (policy == "stretch") return;
  for (const int64_t a : axes) {
    const double width = common * static_cast<double>(c.shape(0)[a]);
    if (!(width < 9e15)) c.fail(concat("sizes must keep the others below 9e15, got ", width));
    targets[a] = {static_cast<int64_t>(std::floor(width + 0.5)), common, width};
  }
}

void set_scales(const InferContext& c, const std::vector<int64_t>& axes, const std::vector<double>& scales,
                std::vector<Target>& targets) {
  check_count(c, "scales", scales.size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t in = c.shape(0)[axes[i]];
    const double scale = scales[i], width = scale * static_cast<double>(in);
    if (!(scale > 0 && width < 9e15)) c.fail(concat("scales must be > 0 and finite, got ", scale));
    // The size is that of a product in float32, as in ONNX's own shape inference: 0.7f * 10 is 7.
    const float size = static_cast<float>(in) * static_cast<float>(scale);
    targets[axes[i]] = {static_cast<int64_t>(std::floor(size)), scale, width};
  }
}

// One target for each logical axis.
std::vector<Target> targets_of(const InferContext& c) {
  const Shape& shape = c.shape(0);
  const auto axes = axes_of(c);
  std::vector<Target> targets;
  for (const int64_t extent : shape) targets.push_back({extent, 1, static_cast<double>(extent)});
  const std::vector<double> scales = floats(c, 2);
  const std::vector<int64_t> sizes = c.has_input(3) ? c.ints(3) : std::vector<int64_t>();
  if (scales.empty() == sizes.empty()) {
    c.fail(concat("one of scales and sizes must be given, got ", scales.empty() ? "neither" : "both"));
  }
  if (sizes.empty()) {
    set_scales(c, axes, scales, targets);
  } else {
    set_sizes(c, axes, sizes, targets);
  }
  for (size_t a = 0; a < shape.size(); ++a) {
    if (shape[a] == 0 && targets[a].out > 0) c.fail(concat("axis ", a, " must have cells to show, got extent 0"));
  }
  if (word(c, "coordinate_mode", kCoordinates) == ResizeCoordinate::tf_crop_and_resize) {
    const std::vector<double> roi = floats(c, 1);
    check_count(c, "roi", roi.size(), 2 * axes.size());
    for (const double edge : roi) {
      if (!std::isfinite(edge)) c.fail(concat("roi must be finite, got ", edge));
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      targets[axes[i]].roi_begin = roi[i];
      targets[axes[i]].roi_end = roi[i + axes.size()];
    }
  }
  return targets;
}

void infer_resize(InferContext& c) {
  if (c.dtype(0) != DType::f32) c.fail(concat("input must be float32, got ", dtype_name(c.dtype(0))));
  rule_of(c);
  Shape shape;
  for (const Target& target : targets_of(c)) shape.push_back(target.out);
  c.set_output(0, DType::f32, shape);
}

class ResizeStep final : public Step {
 public:
  explicit ResizeStep(ResizePlan plan) : plan_(std::move(plan)) {}
  int64_t workspace_bytes() const override { return plan_.workspace_bytes(); }
  void run(const StepBuffers& b) const noexcept override {
    plan_.run(static_cast<const float*>(b.inputs[0]), static_cast<float*>(b.outputs[0]), b.workspace);
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  ResizePlan plan_;
};

std::unique_ptr<Step> plan_resize(PlanContext& c) {
  const Shape& shape = c.shape(0);
  const int64_t rank = static_cast<int64_t>(shape.size());
  const ResizeRule rule = rule_of(c);
  const auto targets = targets_of(c);
  std::vector<ResizeAxis> axes(rank);  // as they lie in memory
  for (int64_t a = 0; a < rank; ++a) {
    const Target& t = targets[a];
    const bool same = t.out == shape[a] && t.scale == 1 && t.roi_begin == 0 && t.roi_end == 1;
    axes[PlanContext::physical_axis(a, rank, c.format())] =
        same ? ResizeAxis::identity(shape[a])
             : resize_axis(rule, shape[a], t.out, t.scale, t.width, t.roi_begin, t.roi_end);
  }
  return std::make_unique<ResizeStep>(ResizePlan(
      std::move(axes), static_cast<float>(c.get_float("extrapolation_value", 0)), c.output(0).placement.pixel_stride));
}

}  // namespace

const AttributeDefs kResizeAttributes{
    {"mode", kString},         {"coordinate_mode", kString},    {"nearest_mode", kString}, {"cubic_coeff_a", kFloat},
    {"exclude_outside", kInt}, {"extrapolation_value", kFloat}, {"antialias", kInt},       {"axes", kInts},
    {"keep_aspect", kString}};
const OpDef op_resize{"resize",    infer_resize, LayoutRule::channels_last, kValueInputs | kWritesPixels,
                      plan_resize, {1, 4},       kResizeAttributes};

}  // namespace fastconv::graph
