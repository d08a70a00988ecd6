#include "conv/tap_conv.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/threads.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"

namespace fastconv {
namespace {

// A run of output pixels in one row: one call of the kernel per panel.
struct Segment {
  int64_t src;    // offset of output 0's source row origin
  int64_t pixel;  // the first output pixel, counted in its image
  int64_t m;
  int32_t row_stride_index;  // which phase (row stride and dst stride are the phase's)
  int32_t tap_begin, tap_count;
};

class TapConvPlan : public ConvPlan {
 public:
  TapConvPlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem), options_(with_strides(options, problem)), kernel_(tap_kernel(problem, options.isa)) {
    column_size_ = p_.taps() * p_.group_c();
    panel_size_ = column_size_ * kernel_.nr;
    group_size_ = packed_size(column_size_, p_.group_k(), kernel_.packed_nr);
    panels_ = ceil_div(p_.group_k(), kernel_.nr);
    flatten_pointwise();
    phases_[0] = axis_phases(p_, 0);
    phases_[1] = axis_phases(p_, 1);
    phases_[2] = width_phases(p_, kernel_.mr, kernel_.few());
    plan_source_rows();
    plan_segments();
  }

  int64_t workspace_bytes() const override {
    return copies_source_ ? checked_mul(p_.in[0] * p_.in[1] * width_, p_.c * static_cast<int64_t>(sizeof(float))) : 0;
  }
  const KernelInfo& kernel() const override { return kernel_; }

  void run(const ConvBuffers& buffers) const noexcept override {
    const int64_t src_image = p_.in_pixels() * options_.src_pixel_stride;
    float* copy = static_cast<float*>(buffers.workspace);
    if (p_.n > 0) kernel_.count_run();
    for (int64_t image = 0; image < p_.n; ++image) {
      const float* src = buffers.src + image * src_image;
      if (copies_source_) {
        copy_rows(src, copy);
        src = copy;
      }
      run_image(src, buffers, image * p_.out_pixels());
    }
  }

 private:
  // A 1x1 convolution that visits every pixel is one matrix product over all pixels of the batch.
  void flatten_pointwise() {
    const bool whole = p_.in == p_.out && p_.taps() == 1 && p_.pad_begin == Dims{0, 0, 0} && p_.stride == Dims{1, 1, 1};
    if (!whole) return;
    p_.in = p_.out = {1, 1, p_.n * p_.in_pixels()};
    p_.n = std::min<int64_t>(p_.n, 1);
    p_.transposed = false;
  }

  // The source positions that taps reach along the width decide whether rows must be copied with borders.
  void plan_source_rows() {
    int64_t low = 0, high = p_.in[2];
    for (const AxisTaps& taps : phases_[2]) {
      if (taps.base.empty() || taps.count == 0) continue;
      low = std::min(low, taps.base.front());
      high = std::max(high, taps.base.back() + (taps.count - 1) * taps.src_step + 1);
    }
    copies_source_ = low < 0 || high > p_.in[2];
    border_ = copies_source_ ? -low : 0;
    width_ = copies_source_ ? high - low : p_.in[2];
    pixel_ = copies_source_ ? p_.c : options_.src_pixel_stride;
    // In a row of pixels that lie side by side the kernel's width folds into k: fewer, longer taps.
    folds_width_ = !p_.transposed && p_.groups == 1 && p_.dilation[2] == 1 && pixel_ == p_.c &&
                   std::all_of(phases_[2].begin(), phases_[2].end(), [](const AxisTaps& taps) {
                     const auto count = static_cast<int64_t>(taps.base.size());
                     return count == 0 || taps.base.back() - taps.base.front() == count - 1;
                   });
  }

  void plan_segments() {
    const int64_t row_bytes = p_.group_c() * p_.kernel[1] * static_cast<int64_t>(sizeof(float));
    const int64_t weight_bytes = panels_ * panel_size_ * static_cast<int64_t>(sizeof(float));
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
    fetches_source_ = p_.taps() == 1 && pixel_ == p_.c && !streams_ && p_.c >= p_.k &&
                      p_.in_pixels() * p_.c > cpu_info().l2_bytes / static_cast<int64_t>(sizeof(float));
    std::map<std::vector<int64_t>, std::pair<int32_t, int32_t>> known;  // tap lists already made
    for (const AxisTaps& depth : phases_[0]) {
      for (const AxisTaps& height : phases_[1]) {
        for (size_t w = 0; w < phases_[2].size(); ++w) {
          for (int64_t d = 0; d < depth.count; ++d) {
            for (int64_t h = 0; h < height.count; ++h) plan_row(depth, d, height, h, static_cast<int32_t>(w), known);
          }
        }
      }
    }
    // Blocks of about block_rows_ pixels, in order.
    int64_t pixels = 0, begun = 0;
    for (size_t i = 0; i < segments_.size(); ++i) {
      if (pixels >= begun * block_rows_) {
        blocks_.push_back(static_cast<int64_t>(i));
        ++begun;
      }
      pixels += segments_[i].m;
    }
    blocks_.push_back(static_cast<int64_t>(segments_.size()));
  }

  void plan_row(const AxisTaps& depth, int64_t d, const AxisTaps& height, int64_t h, int32_t w,
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
    // Taps are relative to this row's output 0; a row's origin may lie outside where its taps do not.
    const int64_t row = (d * depth.src_step) * p_.in[1] + h * height.src_step;
    const int64_t out_row =
        ((depth.out_begin + d * depth.out_step) * p_.out[1] + height.out_begin + h * height.out_step) * p_.out[2];
    // Long rows are cut so that a block's source stays in cache and threads have something to share.
    const int64_t pieces = ceil_div(width.count, block_rows_);
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t begin = width.count * piece / pieces, end = width.count * (piece + 1) / pieces;
      segments_.push_back({(row * width_ + border_ + begin * width.src_step) * pixel_,
                           out_row + width.out_begin + begin * width.out_step, end - begin, w, list.first,
                           list.second});
    }
  }

  std::pair<int32_t, int32_t> make_taps(const AxisTaps& depth, AxisTaps::Range in_depth, const AxisTaps& height,
                                        AxisTaps::Range in_height, const AxisTaps& width) {
    const int64_t per_tap = p_.group_c() * kernel_.packed_nr;
    const int32_t begin = static_cast<int32_t>(taps_.size());
    const size_t width_taps = folds_width_ ? std::min<size_t>(width.base.size(), 1) : width.base.size();
    for (int64_t r = in_depth.first; r < in_depth.last; ++r) {
      for (int64_t s = in_height.first; s < in_height.last; ++s) {
        for (size_t t = 0; t < width_taps; ++t) {
          const int64_t src = ((depth.base[r] * p_.in[1] + height.base[s]) * width_ + width.base[t]) * pixel_;
          const int64_t tap =
              (depth.kernel_index[r] * p_.kernel[1] + height.kernel_index[s]) * p_.kernel[2] + width.kernel_index[t];
          taps_.push_back({src, tap * per_tap});
        }
      }
    }
    return {begin, static_cast<int32_t>(taps_.size()) - begin};
  }

  // Rows with `border_` zero pixels before and as many after as taps reach.
  void copy_rows(const float* src, float* copy) const noexcept {
    const int64_t rows = p_.in[0] * p_.in[1], c = p_.c, after = width_ - border_ - p_.in[2];
    parallel_for(rows, 1 + (1 << 14) / (width_ * c), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float* to = copy + row * width_ * c;
        const float* from = src + row * p_.in[2] * options_.src_pixel_stride;
        std::fill(to, to + border_ * c, 0.0f);
        to += border_ * c;
        if (options_.src_pixel_stride == c) {
          std::memcpy(to, from, static_cast<size_t>(p_.in[2] * c) * sizeof(float));
        } else {
          for (int64_t i = 0; i < p_.in[2]; ++i) {
            std::memcpy(to + i * c, from + i * options_.src_pixel_stride, static_cast<size_t>(c) * sizeof(float));
          }
        }
        to += p_.in[2] * c;
        std::fill(to, to + after * c, 0.0f);
      }
    });
  }

  void run_image(const float* src, const ConvBuffers& buffers, int64_t first_pixel) const noexcept {
    const int64_t blocks = static_cast<int64_t>(blocks_.size()) - 1, work = block_rows_ * panel_size_;
    parallel_grid(blocks, p_.groups * panels_, product_grain(work), along_,
                  [&](int64_t first_block, int64_t last_block, int64_t first_column, int64_t last_column) {
                    for (int64_t block = first_block; block < last_block; ++block) {
                      for (int64_t column = first_column; column < last_column; ++column) {
                        run_panel(src, buffers, first_pixel, block, column / panels_, column % panels_,
                                  column + 1 < last_column);
                      }
                    }
                  });
  }

  void run_panel(const float* src, const ConvBuffers& buffers, int64_t first_pixel, int64_t block, int64_t group,
                 int64_t panel, bool more) const noexcept {
    const int64_t column = group * p_.group_k() + panel * kernel_.nr;
    GemmF32Args args;
    args.weights = buffers.weights + group * group_size_ + panel * panel_size_;
    args.column_stride = column_size_;
    const bool fetches = streams_ && more && panel + 1 < panels_;
    args.n = std::min<int64_t>(kernel_.nr, p_.group_k() - panel * kernel_.nr);
    args.epilogue.call = options_.function;
    args.epilogue.bias = buffers.bias ? buffers.bias + column : nullptr;
    args.fetch_source = fetches_source_ && panel == 0;
    int32_t fetched = -1;
    for (int64_t i = blocks_[block]; i < blocks_[block + 1]; ++i) {
      const Segment& segment = segments_[i];
      const AxisTaps& width = phases_[2][segment.row_stride_index];
      args.src = src + segment.src + group * p_.group_c();
      args.row_stride = width.src_step * pixel_;
      args.k = p_.group_c() * (folds_width_ ? static_cast<int64_t>(width.base.size()) : 1);
      args.taps = taps_.data() + segment.tap_begin;
      args.tap_count = segment.tap_count;
      // The first segment with a list of taps fetches their weights of the next panel, for all.
      const bool fetch = fetches && segment.tap_begin != fetched;
      args.fetch_ahead = fetch ? gemm_fetch_ahead(panel_size_) : 0;
      fetched = segment.tap_begin;
      args.m = segment.m;
      const int64_t pixel = first_pixel + segment.pixel;
      args.dst = buffers.dst + pixel * options_.dst_pixel_stride + column;
      args.dst_stride = width.out_step * options_.dst_pixel_stride;
      if (options_.residual) {
        args.epilogue.residual = buffers.residual + pixel * options_.residual_pixel_stride + column;
        args.epilogue.residual_stride = width.out_step * options_.residual_pixel_stride;
      }
      kernel_.fn(args);
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  const GemmF32Kernel& kernel_;
  int64_t column_size_ = 0, panel_size_ = 0, group_size_ = 0;  // of the weights
  int64_t panels_ = 0;
  std::vector<AxisTaps> phases_[3];
  bool copies_source_ = false, folds_width_ = false;
  int64_t border_ = 0, width_ = 0, pixel_ = 0;  // of the rows that taps read
  int64_t block_rows_ = 0;
  bool streams_ = false, fetches_source_ = false;
  Along along_ = Along::rows;
  std::vector<Tap> taps_;
  std::vector<Segment> segments_;
  std::vector<int64_t> blocks_;  // first segment of each block, and the end
};

}  // namespace

// Where the width folds into k (see plan_source_rows), a tap has its products too.
const GemmF32Kernel& tap_kernel(const ConvProblem& p, Isa isa) {
  const bool folds = !p.transposed && p.groups == 1 && p.dilation[2] == 1;
  return choose_gemm_f32(isa, p.group_k(), p.group_c() * (folds ? p.kernel[2] : 1));
}

std::string tap_pack_key(const ConvProblem& problem, Isa isa) {
  return concat("taps ", tap_kernel(problem, isa).packed_nr, " ", weight_order(problem));
}

int64_t tap_packed_size(const ConvProblem& p, Isa isa) {
  return checked_mul(packed_size(p.taps() * p.group_c(), p.group_k(), tap_kernel(p, isa).packed_nr), p.groups);
}

namespace {

// Where the weights of a group lie in the caller's array.
PackLayout group_layout(const ConvProblem& p) {
  const WeightLayout w = weight_layout(p);
  return {p.taps(), w.tap, p.group_c(), w.input, p.group_k(), w.output};
}

// Calls fn(offset in the caller's array, offset in the packed form) for every group.
template <class Fn>
void for_groups(const ConvProblem& p, int64_t nr, const Fn& fn) {
  const WeightLayout w = weight_layout(p);
  const int64_t packed = packed_size(p.taps() * p.group_c(), p.group_k(), nr);
  for (int64_t g = 0; g < p.groups; ++g) fn(w.first + g * w.group, g * packed);
}

}  // namespace

void tap_pack(const ConvProblem& p, const float* weights, Isa isa, float* packed) {
  const int64_t nr = tap_kernel(p, isa).packed_nr;
  for_groups(p, nr, [&](int64_t from, int64_t to) { pack_f32(group_layout(p), weights + from, nr, packed + to); });
}

void tap_unpack(const ConvProblem& p, const float* packed, Isa isa, float* weights) {
  const int64_t nr = tap_kernel(p, isa).packed_nr;
  for_groups(p, nr, [&](int64_t to, int64_t from) { unpack_f32(group_layout(p), packed + from, nr, weights + to); });
}

std::unique_ptr<ConvPlan> plan_tap_conv(const ConvProblem& problem, const ConvOptions& options) {
  return std::make_unique<TapConvPlan>(problem, options);
}

}  // namespace fastconv
