// Depthwise convolution, forward and transposed, with any channel multiplier: one filter per output channel; and
// grouped convolution with as many inputs as outputs in a group, also of one group. Runs the depthwise kernel over rows
// of output pixels, straight on the caller's pixels: padding drops taps, nothing is copied, except that a multiplier
// above 1 repeats each source channel for its outputs first.
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "conv/abreast.h"
#include "conv/algorithms.h"
#include "conv/outputs.h"
#include "conv/taps.h"
#include "kernels/copy/copy.h"
#include "kernels/depthwise/table.h"

namespace fastconv {
namespace {

// Groups of more inputs than this fill the vectors of tap-GEMM, which is faster then.
constexpr int64_t kMostInputs = 8;

// Weights lie as [panel][tap][input of the group][output channel of the panel].
int64_t tap_size(const ConvProblem& p) {
  return p.group_c() * kDepthwiseLanes;
}
int64_t panel_size(const ConvProblem& p) {
  return p.taps() * tap_size(p);
}

void pack(const ConvProblem& p, const float* weights, Isa, float* packed) {
  const WeightLayout layout = weight_layout(p);
  const int64_t taps = p.taps(), size = panel_size(p), group_k = p.group_k(), lanes = pixels_abreast(p) * p.k;
  parallel_for(ceil_div(p.k, kDepthwiseLanes), 1 + (1 << 16) / size, [&](int64_t begin, int64_t end) {
    std::fill(packed + begin * size, packed + end * size, 0.0f);
    for (int64_t k = begin * kDepthwiseLanes; k < std::min(end * kDepthwiseLanes, lanes); ++k) {
      const float* from = weights + layout.first + k % p.k / group_k * layout.group + k % group_k * layout.output;
      float* to = packed + k / kDepthwiseLanes * size + k % kDepthwiseLanes;
      for (int64_t j = 0; j < p.group_c(); ++j) {
        for (int64_t t = 0; t < taps; ++t)
          to[t * tap_size(p) + j * kDepthwiseLanes] = from[j * layout.input + t * layout.tap];
      }
    }
  });
}

// A phase of the width: which outputs of a row it computes, and from which taps.
struct WidthPhase {
  int64_t out_begin, out_step, count, src_step;
  std::vector<RowTap> taps;
};

// A row of output pixels: where it lies, and its rows of taps.
struct OutputRow {
  int64_t src;    // offset of the source row that its taps are relative to
  int64_t pixel;  // the first, counted in its image
  size_t tap_begin;
  int64_t tap_count;
};

class DepthwisePlan : public ConvPlan {
 public:
  DepthwisePlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem),
        options_(with_strides(options, problem)),
        kernel_(choose_depthwise_f32(options.isa)),
        outputs_(problem, options_, problem.k) {
    repeats_ = p_.group_c() < p_.group_k();
    tap_pixel_ = repeats_ ? p_.k : options_.src_pixel_stride;
    if (repeats_) {
      StridedCopy copy;
      copy.add(p_.in_pixels(), options_.src_pixel_stride, p_.k).add(p_.c, 1, p_.group_k()).add(p_.group_k(), 0, 1);
      repeat_ = CopyPlan(copy, options.isa);
    }
    plan_phases();
    plan_rows();
    plan_blocks();
    plan_workspace();
  }

  int64_t workspace_bytes() const override {
    return checked_add(outputs_at_, shares_ * share_outputs_ * static_cast<int64_t>(sizeof(float)));
  }
  const KernelInfo& kernel() const override { return kernel_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (p_.n == 0) return;
    kernel_.count_run();
    outputs_.count_run();
    if (!repeats_) return run_images(b, b.src, 0, p_.n);
    for (int64_t image = 0; image < p_.n; ++image) {
      repeat_.run(b.src + image * p_.in_pixels() * options_.src_pixel_stride, b.workspace);
      run_images(b, static_cast<const float*>(b.workspace), image, 1);
    }
  }

 private:
  void plan_phases() {
    for (const AxisTaps& axis : axis_phases(p_, 2)) {
      WidthPhase phase{axis.out_begin, axis.out_step, axis.count, axis.src_step, {}};
      for (size_t t = 0; t < axis.base.size(); ++t) {
        phase.taps.push_back({axis.base[t], axis.kernel_index[t] * tap_size(p_)});
      }
      phases_.push_back(std::move(phase));
    }
  }

  void plan_rows() {
    for (const AxisTaps& depth : axis_phases(p_, 0)) {
      for (int64_t d = 0; d < depth.count; ++d) {
        for (const AxisTaps& height : axis_phases(p_, 1)) {
          AxisTaps::Range last{-1, -1};
          for (int64_t h = 0; h < height.count; ++h) {
            const AxisTaps::Range range = height.inside(h, p_.in[1]);
            OutputRow row;
            row.src = (d * depth.src_step * p_.in[1] + h * height.src_step) * p_.in[2] * tap_pixel_;
            row.pixel = ((depth.out_begin + d * depth.out_step) * p_.out[1] + height.out_begin + h * height.out_step) *
                        p_.out[2];
            // Neighbouring rows share their list of taps, except at the borders.
            if (range.first != last.first || range.last != last.last) {
              tap_begin_ = tap_rows_.size();
              add_tap_rows(depth, depth.inside(d, p_.in[0]), height, range);
              last = range;
            }
            row.tap_begin = tap_begin_;
            row.tap_count = static_cast<int64_t>(tap_rows_.size() - tap_begin_);
            rows_.push_back(row);
          }
        }
      }
    }
  }

  void add_tap_rows(const AxisTaps& depth, AxisTaps::Range in_depth, const AxisTaps& height,
                    AxisTaps::Range in_height) {
    for (int64_t q = in_depth.first; q < in_depth.last; ++q) {
      for (int64_t r = in_height.first; r < in_height.last; ++r) {
        const int64_t tap = (depth.kernel_index[q] * p_.kernel[1] + height.kernel_index[r]) * p_.kernel[2];
        tap_rows_.push_back({(depth.base[q] * p_.in[1] + height.base[r]) * p_.in[2] * tap_pixel_, tap * tap_size(p_)});
      }
    }
  }

  // A block is a strip of columns by some channels, whose source rows stay in cache from one output row to the next.
  // Images that stay near are cut so that it is the first cache (28x28x240, 5x5: 70 us for 92). From beyond, memory
  // should be read in long runs, fetched in time: whole pixels and long strips (112x112x96, stride 2: 222 us for 340).
  // Measured on one core of a Sapphire-Rapids-class Xeon, November 2026, where all that is not in L2 is beyond.
  //
  // A third cache of few cores is near as well: 112x112x96, stride 2: 80 us for 109; 28x28x192: 20 for 30; 190x190x64,
  // 18 MB: equal; 147x147x128, 22 MB: 950 for 630. Measured on one core of a Zen 5 EPYC with 48 KB of L1, 1 MB of L2
  // and 32 MB of L3 a complex, November 2026, through Conv::run; half of what it shows, since others have 16 MB. Blocks
  // of at least 32 or 48 channels and strips of 28 did not differ by more than noise over all of 15 shapes, nor did
  // blocks of all of L1; fetching two tiles ahead instead of one was slower. From that third cache whole pixels, which
  // are runs that the hardware foresees, beat blocks of 48 or 64 channels: 56x56x128 75 us for 94, 112x112x96 of stride
  // 2 95 for 112, 74x74x128 134 for 152; 19x19x728 is 54 for 51, what L2 nearly holds up to 3 % slower. On a day when
  // the third cache answered twice as fast 11 MB were better not fetched, 74x74x256 262 for 377, 147x147x64 211 for
  // 275, and 25 MB still were, 256x256x96 of stride 2 1010 for 1520; whole networks did not tell 8 MB from 64.
  void plan_blocks() {
    constexpr int64_t kStrip = 56, kLeastChannels = 64, kFloat = sizeof(float);
    const CpuInfo& cpu = cpu_info();
    const int64_t near_bytes = cpu.l2_bytes * (cpu.near_l3 ? 12 : 1);
    const int64_t rows = p_.kernel[0] * p_.kernel[1], width = ceil_div(p_.out[2], static_cast<int64_t>(phases_.size()));
    const int64_t bytes = p_.n * (p_.in_pixels() * p_.c + p_.out_pixels() * p_.k) * kFloat;
    block_channels_ = p_.k;
    if (bytes > near_bytes) {
      fetch_ = true;
      strips_ = std::min(width, ceil_div(rows * p_.in[2] * p_.k, cpu.l2_bytes / 4 / kFloat));
      return;
    }
    strips_ = ceil_div(width, kStrip);
    if (bytes > 2 * cpu.l2_bytes) return;
    const int64_t channel_bytes = (rows * ceil_div(p_.in[2], strips_) + p_.taps() * p_.group_c()) * kFloat;
    blocks_ = ceil_div(p_.k, std::max(cpu.l1d_bytes / 2 / channel_bytes, kLeastChannels));
    block_channels_ = round_up(ceil_div(p_.k, blocks_), kDepthwiseLanes);
    blocks_ = ceil_div(p_.k, block_channels_);
  }

  void plan_workspace() {
    outputs_at_ = round_up(repeats_ ? repeat_.bytes() : 0, kAlignment);
    int64_t longest = 0;
    for (const WidthPhase& phase : phases_) longest = std::max(longest, ceil_div(phase.count, strips_));
    share_outputs_ = outputs_.memory(checked_mul(longest, block_channels_));
  }

  // Threads share rows; of small images, whose neighbours' weights outweigh them, channels: see gemm_along().
  void run_images(const ConvBuffers& b, const float* src, int64_t first_image, int64_t images) const noexcept {
    constexpr int64_t kSmall = 128;
    const int64_t rows = static_cast<int64_t>(rows_.size());
    const int64_t work = p_.out[2] / strips_ * block_channels_ * p_.group_c() * p_.taps();
    const Along along = p_.out_pixels() < kSmall ? Along::columns : Along::rows;
    parallel_grid(images * rows, blocks_ * strips_, product_grain(work), along, share_outputs_ ? shares_ : INT64_MAX,
                  [&](int64_t share, int64_t begin, int64_t end, int64_t first_part, int64_t last_part) {
                    std::byte* memory = static_cast<std::byte*>(b.workspace) + outputs_at_;
                    float* outputs = reinterpret_cast<float*>(memory) + share * share_outputs_;
                    for (int64_t part = first_part; part < last_part; ++part) {
                      for (int64_t row = begin; row < end;) {
                        const int64_t image = row / rows, first = row % rows, last = std::min(rows, first + end - row);
                        run_part(b, src + image * p_.in_pixels() * tap_pixel_, first_image + image, part, first, last,
                                 outputs);
                        row += last - first;
                      }
                    }
                    if (outputs_.streams()) fence_streams();
                  });
  }

  void run_part(const ConvBuffers& b, const float* src, int64_t image, int64_t part, int64_t first_row,
                int64_t last_row, float* outputs) const noexcept {
    const int64_t channel = part / strips_ * block_channels_, strip = part % strips_;
    DepthwiseF32Args args;
    args.pixel = tap_pixel_;
    args.width = p_.in[2];
    args.group = p_.group_c();
    args.weights = b.weights + channel * p_.taps() * p_.group_c();
    args.window = p_.taps() * p_.group_c();
    args.channels = std::min(block_channels_, p_.k - channel);
    args.fetch = fetch_;
    for (int64_t r = first_row; r < last_row; ++r) {
      const OutputRow& row = rows_[static_cast<size_t>(r)];
      args.src = src + row.src + channel;
      args.rows = tap_rows_.data() + row.tap_begin;
      args.row_count = row.tap_count;
      for (const WidthPhase& phase : phases_) {
        args.taps = phase.taps.data();
        args.tap_count = static_cast<int64_t>(phase.taps.size());
        args.step = phase.src_step;
        args.first = phase.count * strip / strips_;
        args.m = phase.count * (strip + 1) / strips_ - args.first;
        const int64_t pixel = image * p_.out_pixels() + row.pixel + phase.out_begin + args.first * phase.out_step;
        outputs_.call(kernel_, args, b, {pixel, phase.out_step, args.m, channel, args.channels}, outputs);
      }
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  const DepthwiseF32Kernel& kernel_;
  const ConvOutputs outputs_;
  int64_t tap_pixel_ = 0;  // elements between pixels of the source that taps read
  bool repeats_ = false;
  CopyPlan repeat_;
  std::vector<WidthPhase> phases_;
  std::vector<OutputRow> rows_;
  std::vector<TapRow> tap_rows_;
  size_t tap_begin_ = 0;  // of the list made last
  int64_t strips_ = 1, blocks_ = 1, block_channels_ = 0;
  bool fetch_ = false;
  int64_t shares_ = num_threads();
  int64_t outputs_at_ = 0, share_outputs_ = 0;  // in the workspace: outputs that only pieces are stored of
};

}  // namespace

const Algorithm kDepthwise = {
    "depthwise",
    [](const ConvProblem&) { return Precision::highest; },
    [](const ConvProblem& p) {
      if (p.group_c() == 1 || (p.group_c() == p.group_k() && kMostInputs % p.group_c() == 0)) return std::string();
      return concat("groups of 1 input channel, or of 2, 4 or 8 and as many outputs, got groups of ", p.group_c(),
                    " and ", p.group_k());
    },
    [](const ConvProblem& p, Isa) { return concat("depthwise ", weight_order(p)); },
    [](const ConvProblem& p, Isa) { return checked_mul(p.taps(), p.group_c() * round_up(p.k, kDepthwiseLanes)); },
    pack,
    [](const ConvProblem& p, const ConvOptions& options) -> std::unique_ptr<ConvPlan> {
      const ConvOptions o = with_strides(options, p);
      const bool dense = o.src_pixel_stride == p.c && o.dst_pixel_stride == p.k && o.residual_pixel_stride == p.k;
      if (can_run_abreast(p) && dense) return plan_abreast(p, o);
      return std::make_unique<DepthwisePlan>(p, o);
    },
    nullptr,
    nullptr,
    [](const ConvProblem& p) { return p.k % kProducts<Bf16Pair> == 0 && !can_run_abreast(p); },
};

}  // namespace fastconv
