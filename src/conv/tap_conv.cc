#include "conv/tap_conv.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "base/threads.h"
#include "conv/outputs.h"
#include "conv/tap_calls.h"
#include "conv/tap_source.h"
#include "conv/tap_weights.h"
#include "conv/taps.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"
#include "kernels/gemm/split.h"

namespace fastconv {
namespace {

// Output pixels in a line, along a row or down a column: one call of the kernel per panel.
struct Segment {
  int64_t src;    // offset of output 0's source row origin
  int64_t pixel;  // the first output pixel, counted in its image
  int64_t m;
  int64_t src_step, out_step;  // pixels from an output to the next, and between what they read
  int32_t width;               // which phase of the width
  int32_t tap_begin, tap_count;
};

// A 1x1 convolution that visits every pixel is one matrix product over all pixels of the batch.
ConvProblem flat_if_pointwise(ConvProblem p) {
  if (!p.pointwise()) return p;
  p.in = p.out = {1, 1, p.n * p.in_pixels()};
  p.n = std::min<int64_t>(p.n, 1);
  p.transposed = false;
  return p;
}

template <class Element>
class TapConvPlan : public ConvPlan {
 public:
  TapConvPlan(const ConvProblem& problem, const ConvOptions& options, int pieces)
      : p_(flat_if_pointwise(problem)),
        options_(with_strides(options, problem)),
        kernel_(tap_kernel<Element>(problem, options.isa)),
        phases_{axis_phases(p_, 0), axis_phases(p_, 1), width_phases(p_, kernel_, options.isa).phases},
        source_(p_, options_, phases_[2], pieces),
        outputs_(problem, options_, problem.group_k()),
        pieces_(pieces),
        channels_(tap_channels<Element>(problem)),
        tap_size_(channels_ * kernel_.packed_nr) {
    column_size_ = pieces_ * p_.taps() * channels_;
    panel_size_ = column_size_ * kernel_.nr;
    group_size_ = packed_size(column_size_, p_.group_k(), kernel_.packed_nr);
    calls_ = kernel_.calls(p_.group_k());
    // In a row of pixels that lie side by side the kernel's width folds into k: fewer, longer taps.
    folds_width_ = !p_.transposed && p_.groups == 1 && p_.dilation[2] == 1 && source_.pixel() == channels_ &&
                   std::all_of(phases_[2].begin(), phases_[2].end(), [](const AxisTaps& taps) {
                     const auto count = static_cast<int64_t>(taps.base.size());
                     return count == 0 || taps.base.back() - taps.base.front() == count - 1;
                   });
    plan_segments();
    plan_workspace();
  }

  int64_t workspace_bytes() const override {
    return checked_add(outputs_at_, shares_ * share_outputs_ * static_cast<int64_t>(sizeof(float)));
  }
  const KernelInfo& kernel() const override { return kernel_; }

  void run(const ConvBuffers& buffers) const noexcept override {
    if (p_.n == 0) return;
    kernel_.count_run();
    source_.count_run();
    outputs_.count_run();
    for (int64_t image = 0; image < p_.n; ++image) run_image(image, buffers);
  }

 private:
  void plan_segments() {
    const int64_t row_bytes = pieces_ * channels_ * p_.kernel[1] * static_cast<int64_t>(sizeof(Element));
    const int64_t weight_bytes = group_size_ * static_cast<int64_t>(sizeof(Element));
    streams_ = gemm_streams(weight_bytes);
    const int64_t data_bytes = (p_.in_pixels() * p_.c + p_.out_pixels() * p_.k) * static_cast<int64_t>(sizeof(float));
    along_ = gemm_along(weight_bytes * p_.groups, data_bytes);
    // Blocks of about equal size, as many for each thread.
    int64_t count = ceil_div(p_.out_pixels(), gemm_block_rows(row_bytes, weight_bytes));
    if (along_ == Along::rows) count = round_up(count, num_threads());
    block_rows_ = std::max<int64_t>(ceil_div(p_.out_pixels(), std::max<int64_t>(count, 1)), 1);
    // A source that is read once, from beyond L2, is fetched ahead, unless there are more outputs to write than that.
    // 1x1 96@128 to 24: 1.70 ms for 1.40, 144@112 to 24: 1.94 for 1.54, 128@109 to 128: 6.9 for 6.3; none at 256@56 to
    // 64. Measured on one core of an EPYC (AVX2), November 2026: fastconv bench conv 1x96x128x128:24:1 --threads 1
    // 2x2, stride 2, the source in memory: 32@272 to 64 2.60 ms for 1.43, 16@536 to 32 2.53 for 1.43 (Zen 5).
    // Windows of one row: 2 taps, 32@84350 to 32 1.49 ms for 1.40 (Zen 5).
    const bool once = p_.taps() == 1 || (folds_width_ && p_.kernel[0] <= p_.stride[0] && p_.kernel[1] <= p_.stride[1]);
    // In pieces: 1x1 32@224 to 192 to 32 ..., four layers 9.3 ms for 12.0, 128@112 to 128 4.72 for 4.87 (Zen 5).
    const int64_t size = source_.dense_pixel();
    fetches_source_ = !source_.converts() && once && source_.pixel() == size && !streams_ && p_.taps() * p_.c >= p_.k &&
                      p_.in_pixels() * size > cpu_info().l2_bytes / static_cast<int64_t>(sizeof(Element));
    std::map<std::vector<int64_t>, std::pair<int32_t, int32_t>> known;  // tap lists already made
    for (const AxisTaps& depth : phases_[0]) {
      for (const AxisTaps& height : phases_[1]) {
        for (size_t w = 0; w < phases_[2].size(); ++w) {
          for (int64_t d = 0; d < depth.count; ++d) {
            for (int64_t h = 0, end; h < height.count; h = end) {
              end = height.alike(h, p_.in[1]);
              plan_rows(depth, d, height, h, end, static_cast<int32_t>(w), known);
            }
          }
        }
      }
    }
    // Blocks of about block_rows_ pixels, in order; pieces of a row, which may be a pixel shorter, are one each.
    int64_t pixels = 0, begun = 0;
    for (size_t i = 0; i < segments_.size(); ++i) {
      if (pixels + segments_[i].m / 2 >= begun * block_rows_) {
        blocks_.push_back(static_cast<int64_t>(i));
        ++begun;
      }
      pixels += segments_[i].m;
    }
    blocks_.push_back(static_cast<int64_t>(segments_.size()));
    int64_t most_gathered = 0;
    for (size_t block = 0; block + 1 < blocks_.size(); ++block) {
      int64_t gathered = 0;
      for (int64_t i = blocks_[block]; i < blocks_[block + 1]; ++i) gathered += segments_[i].m;
      most_gathered = std::max(most_gathered, gathered);
    }
    if (!source_.gathers()) return;
    source_.gather_at_most(most_gathered);
    for_products(pieces_, [&](int source, int weights) {
      gathered_taps_.push_back({source * source_.plane(), weights * tap_size_});
    });
  }

  void plan_workspace() {
    outputs_at_ = round_up(source_.bytes(shares_), kAlignment);
    int64_t longest = 0, widest = 0;
    for (const Segment& segment : segments_) longest = std::max(longest, segment.m);
    for (int64_t call = 0; call < calls_; ++call) {
      widest = std::max(widest, kernel_.call_columns(call, calls_, p_.group_k()));
    }
    share_outputs_ = outputs_.memory(checked_mul(longest, widest));
  }

  // The outputs of a phase of the width in rows [h, end) of one of the height, which meet the same taps.
  void plan_rows(const AxisTaps& depth, int64_t d, const AxisTaps& height, int64_t h, int64_t end, int32_t w,
                 std::map<std::vector<int64_t>, std::pair<int32_t, int32_t>>& known) {
    const AxisTaps& width = phases_[2][w];
    const AxisTaps::Range in_depth = depth.inside(d, p_.in[0]), in_height = height.inside(h, p_.in[1]);
    const std::vector<int64_t> key = {&depth - phases_[0].data(),
                                      in_depth.first,
                                      in_depth.last,
                                      &height - phases_[1].data(),
                                      in_height.first,
                                      in_height.last,
                                      w};
    const auto found = known.find(key);
    std::pair<int32_t, int32_t> list;
    if (found != known.end()) {
      list = found->second;
    } else {
      list = make_taps(depth, in_depth, height, in_height, width);
      known.emplace(key, list);
    }
    // Taps are relative to a line's output 0; its origin may lie outside where its taps do not.
    const int64_t src_row = height.src_step * source_.width(), out_row = height.out_step * p_.out[2];
    const int64_t src = d * depth.src_step * p_.in[1] * source_.width() + h * src_row + source_.border();
    const int64_t pixel = ((depth.out_begin + d * depth.out_step) * p_.out[1] + height.out_begin) * p_.out[2] +
                          h * out_row + width.out_begin;
    const int64_t rows = end - h;
    if (lines_down(kernel_, rows, width.count, p_.group_k(), options_.isa)) {
      for (int64_t x = 0; x < width.count; ++x) {
        add_line(
            {src + x * width.src_step, pixel + x * width.out_step, rows, src_row, out_row, w, list.first, list.second});
      }
    } else {
      for (int64_t row = 0; row < rows; ++row) {
        add_line({src + row * src_row, pixel + row * out_row, width.count, width.src_step, width.out_step, w,
                  list.first, list.second});
      }
    }
  }

  // Long lines are cut so that a block's source stays in cache and threads have something to share. `line`: its source
  // in pixels yet.
  void add_line(const Segment& line) {
    const int64_t pieces = ceil_div(line.m, std::min(block_rows_, outputs_.longest_line(kernel_.nr)));
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t begin = line.m * piece / pieces, end = line.m * (piece + 1) / pieces;
      Segment segment = line;
      segment.src = (line.src + begin * line.src_step) * source_.pixel();
      segment.pixel += begin * line.out_step;
      segment.m = end - begin;
      segments_.push_back(segment);
    }
  }

  std::pair<int32_t, int32_t> make_taps(const AxisTaps& depth, AxisTaps::Range in_depth, const AxisTaps& height,
                                        AxisTaps::Range in_height, const AxisTaps& width) {
    const int32_t begin = static_cast<int32_t>(taps_.size());
    const size_t width_taps = folds_width_ ? std::min<size_t>(width.base.size(), 1) : width.base.size();
    for_products(pieces_, [&](int source, int weights) {
      for (int64_t r = in_depth.first; r < in_depth.last; ++r) {
        for (int64_t s = in_height.first; s < in_height.last; ++s) {
          for (size_t t = 0; t < width_taps; ++t) {
            const int64_t row = (depth.base[r] * p_.in[1] + height.base[s]) * source_.width();
            const int64_t tap =
                (depth.kernel_index[r] * p_.kernel[1] + height.kernel_index[s]) * p_.kernel[2] + width.kernel_index[t];
            const int64_t src = source * source_.plane() + (row + width.base[t]) * source_.pixel();
            taps_.push_back({src, (weights * p_.taps() + tap) * tap_size_});
          }
        }
      }
    });
    return {begin, static_cast<int32_t>(taps_.size()) - begin};
  }

  void run_image(int64_t image, const ConvBuffers& buffers) const noexcept {
    const int64_t first = image * p_.in_pixels();
    std::byte* memory = static_cast<std::byte*>(buffers.workspace);
    Element* workspace = reinterpret_cast<Element*>(memory);
    if (source_.copies()) source_.copy_rows(buffers, first, workspace);
    const int64_t blocks = static_cast<int64_t>(blocks_.size()) - 1;
    const int64_t work = block_rows_ * product_count(pieces_) * p_.taps() * channels_ * kernel_.nr;
    parallel_grid(
        blocks, p_.groups * calls_, product_grain(work), along_,
        source_.gathers() || share_outputs_ ? shares_ : INT64_MAX,
        [&](int64_t share, int64_t first_block, int64_t last_block, int64_t first_column, int64_t last_column) {
          Element* gathered = workspace + share * pieces_ * source_.plane();
          float* outputs = reinterpret_cast<float*>(memory + outputs_at_) + share * share_outputs_;
          for (int64_t block = first_block; block < last_block; ++block) {
            const Element* from = source_.copies() ? workspace : gathered;
            if (source_.gathers()) {
              gather(buffers.src + first * options_.src_pixel_stride, block, gathered);
            } else if (!source_.copies()) {
              from = source_.elements(buffers, first);
            }
            for (int64_t column = first_column; column < last_column; ++column) {
              run_panel(from, buffers, image * p_.out_pixels(), block, column / calls_, column % calls_,
                        column + 1 < last_column && (streams_ || block == first_block), outputs);
            }
          }
          if (outputs_.streams()) fence_streams();
        });
  }

  // What a block's only tap reads, pixel behind pixel.
  void gather(const float* src, int64_t block, Element* to) const noexcept {
    for (int64_t i = blocks_[block]; i < blocks_[block + 1]; ++i) {
      const Segment& segment = segments_[i];
      if (segment.tap_count > 0) {
        source_.convert_pixels(src + segment.src + taps_[segment.tap_begin].src,
                               segment.src_step * options_.src_pixel_stride, segment.m, to);
      }
      to += segment.m * source_.dense_pixel();
    }
  }

  void run_panel(const Element* src, const ConvBuffers& buffers, int64_t first_pixel, int64_t block, int64_t group,
                 int64_t call, bool fetches_next, float* outputs) const noexcept {
    const int64_t column = group * p_.group_k() + call * kernel_.nr;
    GemmArgs<Element> args;
    args.weights = reinterpret_cast<const Element*>(buffers.weights) + group * group_size_ + call * panel_size_;
    args.panel_stride = column_size_ * kernel_.packed_nr;
    const bool fetches = fetches_next && call + 1 < calls_;
    args.n = kernel_.call_columns(call, calls_, p_.group_k());
    args.fetch_source = fetches_source_ && call == 0;
    int32_t fetched = -1;
    int64_t gathered = 0;
    for (int64_t i = blocks_[block]; i < blocks_[block + 1]; ++i) {
      const Segment& segment = segments_[i];
      args.src = src + (source_.gathers() ? gathered * source_.dense_pixel() : segment.src) + group * channels_;
      args.row_stride = source_.gathers() ? source_.dense_pixel() : segment.src_step * source_.pixel();
      args.k = channels_ * (folds_width_ ? static_cast<int64_t>(phases_[2][segment.width].base.size()) : 1);
      args.taps = source_.gathers() ? gathered_taps_.data() : taps_.data() + segment.tap_begin;
      args.tap_count = segment.tap_count;
      gathered += segment.m;
      // The first segment with a list of taps fetches their weights of the next panel, for all.
      const bool fetch = fetches && segment.tap_begin != fetched;
      args.fetch_ahead = fetch ? gemm_fetch_ahead(panel_size_) : 0;
      fetched = segment.tap_begin;
      args.m = segment.m;
      outputs_.call(kernel_, args, buffers, {first_pixel + segment.pixel, segment.out_step, segment.m, column, args.n},
                    outputs);
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  const GemmKernel<Element>& kernel_;
  std::array<std::vector<AxisTaps>, 3> phases_;
  TapSource<Element> source_;
  const ConvOutputs outputs_;
  const int pieces_;                                           // of a value
  const int64_t channels_;                                     // of a group, in elements
  const int64_t tap_size_;                                     // of a panel's weights, one piece
  int64_t column_size_ = 0, panel_size_ = 0, group_size_ = 0;  // of the weights
  int64_t calls_ = 0;                                          // for the columns of a group
  bool folds_width_ = false;
  int64_t block_rows_ = 0;
  int64_t shares_ = num_threads();
  int64_t outputs_at_ = 0, share_outputs_ = 0;  // in the workspace: outputs that only pieces are stored of
  bool streams_ = false, fetches_source_ = false;
  Along along_ = Along::rows;
  std::vector<Tap> taps_, gathered_taps_;
  std::vector<Segment> segments_;
  std::vector<int64_t> blocks_;  // first segment of each block, and the end
};

}  // namespace

template <class Element, int kPieces>
std::unique_ptr<ConvPlan> plan_tap_conv(const ConvProblem& problem, const ConvOptions& options) {
  return std::make_unique<TapConvPlan<Element>>(problem, options, kPieces);
}

template std::unique_ptr<ConvPlan> plan_tap_conv<float, 1>(const ConvProblem&, const ConvOptions&);
template std::unique_ptr<ConvPlan> plan_tap_conv<Bf16Pair, 1>(const ConvProblem&, const ConvOptions&);
template std::unique_ptr<ConvPlan> plan_tap_conv<Bf16Pair, 2>(const ConvProblem&, const ConvOptions&);
template std::unique_ptr<ConvPlan> plan_tap_conv<Bf16Pair, 3>(const ConvProblem&, const ConvOptions&);

}  // namespace fastconv
