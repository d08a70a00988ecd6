// GEMM + col2im: multiplies every input pixel by all taps, and sums for each output those products that belong to it.
// No product meets padding, and rows of products run across rows of the image: it pays where images are small beside
// what surrounds them.
//
//   pixels  x  W[panel][tap][c][NR]  -> P[tap][input pixel][columns]  --sum--> pixels
//
// The sums of a row are depthwise convolutions of ones, one for each tap along the width, into a row of memory from
// which the last one, of one tap, takes them to the output: bias and residual come after all products, as elsewhere.
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "conv/algorithms.h"
#include "conv/tap_weights.h"
#include "conv/taps.h"
#include "kernels/depthwise/table.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"

namespace fastconv {
namespace {

constexpr int64_t kFloat = sizeof(float);
// Keeps rows and planes of P from lying powers of two apart, in one set of the L1 cache.
constexpr int64_t kLine = 16;
// All products of a panel are held at once: 2 MB of 32 columns.
constexpr int64_t kMostProducts = 1 << 14;

class Col2imPlan : public ConvPlan {
 public:
  Col2imPlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem),
        options_(with_strides(options, problem)),
        gemm_(tap_kernel<float>(problem, options.isa)),
        sum_(choose_depthwise_f32(options.isa)),
        width_(axis_phases(p_, 2)) {
    column_size_ = p_.taps() * p_.group_c();
    calls_ = gemm_.calls(p_.group_k());
    const int64_t panel_bytes = p_.taps() * p_.in_pixels() * gemm_.nr * kFloat;
    band_ = std::clamp<int64_t>(cpu_info().l2_bytes / 2 / panel_bytes, 1, calls_);
    // The last call may have more columns than a panel.
    const int64_t last = round_up(gemm_.call_columns(calls_ - 1, calls_, p_.group_k()), kDepthwiseLanes);
    const int64_t widest = (band_ - 1) * gemm_.nr + std::max<int64_t>(gemm_.nr, last);
    pixel_ = widest + kLine;
    plane_ = p_.in_pixels() * pixel_;
    ones_ = AlignedArray<float>(round_up(widest, kDepthwiseLanes));
    std::fill_n(ones_.data(), ones_.size(), 1.0f);
    workers_ = num_threads();
    plan_rows();
  }

  int64_t workspace_bytes() const override {
    return checked_mul(checked_add(p_.taps() * plane_, workers_ * p_.out[2] * pixel_), kFloat);
  }
  const KernelInfo& kernel() const override { return gemm_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (p_.n == 0) return;
    gemm_.count_run();
    sum_.count_run();
    float* const products = static_cast<float*>(b.workspace);
    float* const sums = products + p_.taps() * plane_;
    const int64_t taps = p_.taps(), rows = static_cast<int64_t>(rows_.size());
    for (int64_t image = 0; image < p_.n; ++image) {
      for (int64_t group = 0; group < p_.groups; ++group) {
        for (int64_t first = 0; first < calls_; first += band_) {
          const int64_t band = std::min(band_, calls_ - first);
          const int64_t work = p_.in_pixels() * gemm_.nr;
          parallel_for(band * taps, product_grain(work * p_.group_c()), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              multiply(b, image, group, first + i / taps, i % taps, products + i / taps * gemm_.nr);
            }
          });
          const int64_t columns = (band - 1) * gemm_.nr + gemm_.call_columns(first + band - 1, calls_, p_.group_k());
          const int64_t column = group * p_.group_k() + first * gemm_.nr;
          parallel_chunks(rows, product_grain(work * band * taps / rows), workers_,
                          [&](int64_t worker, int64_t begin, int64_t end) {
                            for (int64_t row = begin; row < end; ++row) {
                              sum_row(b, products, image, column, columns, rows_[row],
                                      sums + worker * p_.out[2] * pixel_);
                            }
                          });
        }
      }
    }
  }

 private:
  // A row of output pixels: the first, counted in its image, and the rows of products that it sums.
  struct Row {
    int64_t pixel;
    std::vector<TapRow> taps;
  };

  void plan_rows() {
    const int64_t input_row = p_.in[2] * pixel_;
    for (const AxisTaps& depth : axis_phases(p_, 0)) {
      for (int64_t d = 0; d < depth.count; ++d) {
        const AxisTaps::Range in_depth = depth.inside(d, p_.in[0]);
        for (const AxisTaps& height : axis_phases(p_, 1)) {
          for (int64_t h = 0; h < height.count; ++h) {
            const AxisTaps::Range in_height = height.inside(h, p_.in[1]);
            Row row{(depth.out_begin + d * depth.out_step) * p_.out[1] + height.out_begin + h * height.out_step, {}};
            row.pixel *= p_.out[2];
            for (int64_t q = in_depth.first; q < in_depth.last; ++q) {
              for (int64_t r = in_height.first; r < in_height.last; ++r) {
                const int64_t tap = (depth.kernel_index[q] * p_.kernel[1] + height.kernel_index[r]) * p_.kernel[2];
                const int64_t z = depth.base[q] + d * depth.src_step, y = height.base[r] + h * height.src_step;
                row.taps.push_back({tap * plane_ + (z * p_.in[1] + y) * input_row, 0});
              }
            }
            rows_.push_back(std::move(row));
          }
        }
      }
    }
  }

  // One tap of a panel, for all pixels of an image.
  void multiply(const ConvBuffers& b, int64_t image, int64_t group, int64_t call, int64_t tap,
                float* products) const noexcept {
    const Tap at{0, 0};
    const int64_t tap_size = p_.group_c() * gemm_.packed_nr;
    GemmF32Args args{};
    args.src = b.src + image * p_.in_pixels() * options_.src_pixel_stride + group * p_.group_c();
    args.row_stride = options_.src_pixel_stride;
    args.taps = &at;
    args.tap_count = 1;
    args.k = p_.group_c();
    args.weights = b.weights + group * packed_size(column_size_, p_.group_k(), gemm_.packed_nr) +
                   call * column_size_ * gemm_.nr + tap * tap_size;
    args.panel_stride = column_size_ * gemm_.packed_nr;
    args.m = p_.in_pixels();
    args.n = gemm_.call_columns(call, calls_, p_.group_k());
    args.dst = products + tap * plane_;
    args.dst_stride = pixel_;
    const bool more = tap + 1 < p_.taps() || call + 1 < calls_;
    if (more) args.fetch_ahead = gemm_fetch_ahead(tap_size);
    gemm_.fn(args);
  }

  void sum_row(const ConvBuffers& b, const float* products, int64_t image, int64_t column, int64_t columns,
               const Row& row, float* sums) const noexcept {
    for (const AxisTaps& width : width_) {
      DepthwiseF32Args args{};
      args.pixel = pixel_;
      args.weights = ones_.data();
      args.window = 1;
      args.m = width.count;
      args.channels = columns;

      args.width = p_.in[2];
      args.rows = row.taps.data();
      args.row_count = static_cast<int64_t>(row.taps.size());
      args.tap_count = 1;
      args.step = width.src_step;
      args.dst = sums;
      args.dst_stride = pixel_;
      for (size_t t = 0; t < width.base.size(); ++t) {
        const RowTap tap{width.base[t], 0};
        args.src = products + width.kernel_index[t] * plane_;
        args.taps = &tap;
        sum_.fn(args);
        args.epilogue.residual = sums;
        args.epilogue.residual_stride = pixel_;
      }

      const TapRow all{0, 0};
      const RowTap each{0, 0};
      const int64_t pixel = image * p_.out_pixels() + row.pixel + width.out_begin;
      args.src = sums;
      args.width = width.count;
      args.rows = &all;
      args.row_count = 1;
      args.taps = &each;
      args.tap_count = width.base.empty() ? 0 : 1;
      args.step = 1;
      args.dst = b.dst + pixel * options_.dst_pixel_stride + column;
      args.dst_stride = width.out_step * options_.dst_pixel_stride;
      args.epilogue = epilogue_at(options_, b, pixel, width.out_step, column);
      sum_.fn(args);
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  const GemmF32Kernel& gemm_;
  const DepthwiseF32Kernel& sum_;
  std::vector<AxisTaps> width_;
  int64_t column_size_ = 0;        // of a group's weights
  int64_t calls_ = 0;              // of tap-GEMM for a group's columns
  int64_t band_ = 0;               // calls whose products stay in half of L2
  int64_t pixel_ = 0, plane_ = 0;  // elements between pixels, and taps, of the products
  int64_t workers_ = 1;            // threads that have memory of their own
  AlignedArray<float> ones_;
  std::vector<Row> rows_;
};

std::string refuse(const ConvProblem& p) {
  if (!p.transposed && p.stride != Dims{1, 1, 1}) {
    return concat("a forward convolution to have stride 1, got ", std::ranges::max(p.stride));
  }
  if (p.taps() > kMostProducts / p.in_pixels()) {
    return concat("at most ", kMostProducts, " taps * input pixels, got ", p.taps(), " * ", p.in_pixels());
  }
  return "";
}

}  // namespace

const Algorithm kCol2im = {
    "col2im",
    [](const ConvProblem&) { return Precision::highest; },
    refuse,
    tap_pack_key<float>,
    tap_packed_size<float>,
    tap_pack<float>,
    [](const ConvProblem& p, const ConvOptions& o) -> std::unique_ptr<ConvPlan> {
      return std::make_unique<Col2imPlan>(p, o);
    },
    tap_unpack,
};

}  // namespace fastconv
