// max_pool, avg_pool and the adaptive pools: windows in torch's and ONNX's words become tables of spans (kernels/pool).
#include <algorithm>
#include <utility>

#include "graph/ops/ops.h"
#include "kernels/pool/pool.h"

namespace fastconv::graph {
namespace {

struct Window {
  int64_t size, out;  // of the image and of the result
  int64_t kernel, stride, dilation, pad_begin, pad_end;
};

// The extents after (N, C) of input 0, which must be float32 with one to three of them.
Shape spatial_extents(const InferContext& c) {
  const Shape& shape = c.shape(0);
  if (c.dtype(0) != DType::f32) c.fail(concat("input must be float32, got ", dtype_name(c.dtype(0))));
  if (shape.size() < 3 || shape.size() > 5) {
    c.fail(concat("input must have (N, C) and 1 to 3 spatial axes, got rank ", shape.size()));
  }
  return Shape(shape.begin() + 2, shape.end());
}

// No image has so many cells; sums and a few products of such numbers are far from wrapping.
constexpr int64_t kMost = int64_t{1} << 48;

// An attribute with one integer of at least `least` for each of `count` axes; `otherwise` (repeated) where absent.
std::vector<int64_t> per_axis(const InferContext& c, const char* name, size_t count, int64_t least, int64_t otherwise) {
  std::vector<int64_t> values = c.get_ints(name);
  if (values.empty()) values.assign(count, otherwise);
  if (values.size() != count) {
    c.fail(concat(name, " must have one value for each spatial axis (", count, "), got ", values.size()));
  }
  for (const int64_t value : values) {
    if (value < least) c.fail(concat(name, " must be >= ", least, ", got ", value));
    if (value > kMost) c.fail(concat(name, " must be <= ", kMost, ", got ", value));
  }
  return values;
}

std::vector<Window> windows(const InferContext& c) {
  const Shape extents = spatial_extents(c);
  const size_t axes = extents.size();
  if (c.get_ints("kernel").empty()) c.fail("kernel must be given");
  const auto kernel = per_axis(c, "kernel", axes, 1, 1), strides = per_axis(c, "strides", axes, 1, 1),
             dilations = per_axis(c, "dilations", axes, 1, 1), begins = per_axis(c, "pads_begin", axes, 0, 0),
             ends = per_axis(c, "pads_end", axes, 0, 0);
  const std::string auto_pad = c.get_string("auto_pad", "explicit");
  const bool same = auto_pad == "same_upper" || auto_pad == "same_lower";
  if (!same && auto_pad != "explicit" && auto_pad != "valid") {
    c.fail(concat("auto_pad must be explicit, same_upper, same_lower or valid, got ", auto_pad));
  }
  const bool ceil_mode = c.get_int("ceil_mode", 0) != 0;

  std::vector<Window> result;
  for (size_t a = 0; a < axes; ++a) {
    Window w{extents[a], 0, kernel[a], strides[a], dilations[a], begins[a], ends[a]};
    const int64_t reach = checked_add(checked_mul(w.dilation, w.kernel - 1), 1);  // cells from first to last tap
    if (same) {
      w.out = ceil_div(w.size, w.stride);
      const int64_t total = std::max<int64_t>(0, checked_add((w.out - 1) * w.stride - w.size, reach));
      w.pad_begin = auto_pad == "same_upper" ? total / 2 : total - total / 2;
      w.pad_end = total - w.pad_begin;
    } else {
      if (auto_pad == "valid") w.pad_begin = w.pad_end = 0;
      const int64_t padded = checked_add(checked_add(w.size, w.pad_begin), w.pad_end);
      const int64_t room = checked_add(padded - reach, ceil_mode ? w.stride - 1 : 0);
      w.out = room < 0 ? 0 : room / w.stride + 1;
      // A window that starts beyond the image and its first padding would see nothing.
      if (ceil_mode && w.out > 1 && (w.out - 1) * w.stride >= w.size + w.pad_begin) --w.out;
      if (w.out < 1) c.fail(concat("the kernel must fit the padded input, got ", reach, " cells for ", padded));
    }
    result.push_back(w);
  }
  return result;
}

// torch's output_size with -1 replaced by the input's extent.
Shape adaptive_extents(const InferContext& c) {
  const Shape extents = spatial_extents(c);
  Shape out = per_axis(c, "output_size", extents.size(), -1, -1);
  for (size_t a = 0; a < out.size(); ++a) {
    if (out[a] == -1) out[a] = extents[a];
    if (extents[a] == 0) c.fail("input must have no empty spatial axis, got extent 0");
  }
  return out;
}

void set_results(InferContext& c, const Shape& extents) {
  Shape shape = {c.shape(0)[0], c.shape(0)[1]};
  shape.insert(shape.end(), extents.begin(), extents.end());
  c.set_output(0, DType::f32, shape);
  if (c.output_count() > 1) c.set_output(1, DType::i64, shape);
}

void infer_window(InferContext& c) {
  Shape extents;
  for (const Window& w : windows(c)) extents.push_back(w.out);
  set_results(c, extents);
}

void infer_max_pool(InferContext& c) {
  infer_window(c);
  const std::string indices = c.get_string("indices", "tensor");
  if (indices != "tensor" && indices != "plane") c.fail(concat("indices must be tensor or plane, got ", indices));
}

void infer_avg_pool(InferContext& c) {
  infer_window(c);
  const int64_t divisor = c.get_int("divisor_override", 0);
  if (divisor < 0) c.fail(concat("divisor_override must be >= 0, got ", divisor));
}

void infer_adaptive_max_pool(InferContext& c) {
  set_results(c, adaptive_extents(c));
}

void infer_adaptive_avg_pool(InferContext& c) {
  set_results(c, adaptive_extents(c));
}

class PoolStep final : public Step {
 public:
  PoolStep(PoolPlan plan, bool indices) : plan_(std::move(plan)), indices_(indices) {}
  void run(const StepBuffers& buffers) const noexcept override {
    plan_.run(static_cast<const float*>(buffers.inputs[0]), static_cast<float*>(buffers.outputs[0]),
              indices_ ? static_cast<int64_t*>(buffers.outputs[1]) : nullptr);
  }
  std::string describe() const override { return plan_.kernel_name(); }

 private:
  PoolPlan plan_;
  bool indices_;
};

std::unique_ptr<Step> make_step(PlanContext& c, PoolKind kind, std::vector<PoolAxis> axes, int64_t divisor = 0,
                                PoolIndices indices = {}) {
  const bool with_indices = c.output_count() > 1;
  if (with_indices) kind = PoolKind::max_index;
  axes.insert(axes.begin(), 3 - axes.size(), PoolAxis{});
  PoolPixels pixels{c.input(0).placement.pixel_stride, c.output(0).placement.pixel_stride};
  if (with_indices) pixels.indices = c.output(1).placement.pixel_stride;
  PoolPlan plan(kind, c.shape(0)[0], c.shape(0)[1], std::move(axes[0]), std::move(axes[1]), std::move(axes[2]), divisor,
                indices, pixels);
  return std::make_unique<PoolStep>(std::move(plan), with_indices);
}

std::vector<PoolAxis> window_axes(const InferContext& c, bool count_padding) {
  std::vector<PoolAxis> axes;
  for (const Window& w : windows(c)) {
    axes.push_back(window_axis(w.size, w.out, w.kernel, w.stride, w.dilation, w.pad_begin, w.pad_end, count_padding));
  }
  return axes;
}

std::vector<PoolAxis> adaptive_axes(const InferContext& c) {
  const Shape in = spatial_extents(c), out = adaptive_extents(c);
  std::vector<PoolAxis> axes;
  for (size_t a = 0; a < in.size(); ++a) axes.push_back(adaptive_axis(in[a], out[a]));
  return axes;
}

std::unique_ptr<Step> plan_max_pool(PlanContext& c) {
  const PoolIndices indices{.whole_tensor = c.get_string("indices", "tensor") == "tensor",
                            .column_major = c.get_int("storage_order", 0) != 0};
  return make_step(c, PoolKind::max, window_axes(c, false), 0, indices);
}

std::unique_ptr<Step> plan_avg_pool(PlanContext& c) {
  return make_step(c, PoolKind::mean, window_axes(c, c.get_int("count_include_pad", 0) != 0),
                   c.get_int("divisor_override", 0));
}

std::unique_ptr<Step> plan_adaptive_max_pool(PlanContext& c) {
  return make_step(c, PoolKind::max, adaptive_axes(c));
}

std::unique_ptr<Step> plan_adaptive_avg_pool(PlanContext& c) {
  return make_step(c, PoolKind::mean, adaptive_axes(c));
}

}  // namespace

const AttributeDefs kWindowAttributes{{"kernel", kInts},    {"strides", kInts},   {"pads_begin", kInts},
                                      {"pads_end", kInts},  {"dilations", kInts}, {"ceil_mode", kInt},
                                      {"auto_pad", kString}};
const AttributeDefs kMaxPoolAttributes = joined(kWindowAttributes, {{"indices", kString}, {"storage_order", kInt}});
const OpDef op_max_pool{
    "max_pool",         infer_max_pool, LayoutRule::channels_last, kPixelStrides | kEachImage, plan_max_pool, {1},
    kMaxPoolAttributes, {1, 2}};
const AttributeDefs kAvgPoolAttributes =
    joined(kWindowAttributes, {{"count_include_pad", kInt}, {"divisor_override", kInt}});
const OpDef op_avg_pool{
    "avg_pool", infer_avg_pool,    LayoutRule::channels_last, kPixelStrides | kEachImage, plan_avg_pool,
    {1},        kAvgPoolAttributes};
const AttributeDefs kAdaptiveAttributes{{"output_size", kInts}};
const OpDef op_adaptive_max_pool{"adaptive_max_pool",       infer_adaptive_max_pool,
                                 LayoutRule::channels_last, kPixelStrides | kEachImage,
                                 plan_adaptive_max_pool,    {1},
                                 kAdaptiveAttributes,       {1, 2}};
const OpDef op_adaptive_avg_pool{"adaptive_avg_pool",        infer_adaptive_avg_pool, LayoutRule::channels_last,
                                 kPixelStrides | kEachImage, plan_adaptive_avg_pool,  {1},
                                 kAdaptiveAttributes};

}  // namespace fastconv::graph
