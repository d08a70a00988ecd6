// Winograd convolution F(m, r): transform a block of tiles, multiply point by point with tap-GEMM, transform back. A
// block is sized so that its transformed pixels stay in L2 while the transformed weights, larger than the weights,
// stream past. Taps along the depth are those of the products, between slices of transformed pixels.
//
//   pixels --input--> V[point][slice][tile][c]  x  U[panel][point][depth tap][c / groups][NR]
//   -> M[point][slice][tile][NR] --output--> pixels
//
// Panels of columns are those of all groups, one group's after the other's.
//
// Read next: winograd_tiles.h (where tiles stand), winograd_order.h (in which order), winograd_filters.h (how U is
// made), kernels/winograd (transforms).
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "conv/algorithms.h"
#include "conv/taps.h"
#include "conv/winograd_filters.h"
#include "conv/winograd_order.h"
#include "conv/winograd_tiles.h"
#include "kernels/gemm/schedule.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

constexpr int64_t kFloat = sizeof(float);
// Rows of V and M, and the distance between points, step past powers of two, or whole columns of them would fall into
// one set of the L1 cache: 16 floats are one line.
constexpr int64_t kLine = 16;

int64_t padded_row(int64_t channels) {
  return round_up(channels, kLine) + kLine;
}

// Where the kernel is one slice deep, slices are images.
ConvProblem without_depth(ConvProblem p) {
  if (!slices_are_images(p)) return p;
  p.n *= p.in[0];
  p.in[0] = p.out[0] = 1;
  return p;
}

class WinogradPlan : public ConvPlan {
  using Tile = WinogradOrder::Tile;

 public:
  WinogradPlan(const ConvProblem& problem, const ConvOptions& options, int m)
      : p_(without_depth(problem)),
        options_(with_strides(options, problem)),
        tiles_(winograd_tiles(p_, m)),
        points_(tiles_.points()),
        outputs_(tiles_.rows.m * tiles_.columns.m),
        transform_(*choose_winograd(m, static_cast<int>(winograd_taps(p_)), tiles_.axes(), options.isa)),
        gemm_(choose_gemm_f32(options.isa)) {
    per_image_ = tiles_.count();
    count_ = checked_mul(p_.n, per_image_);
    slices_ = p_.out[0] + (p_.kernel[0] - 1) * p_.dilation[0];
    group_panels_ = ceil_div(p_.group_k(), gemm_.nr);
    group_calls_ = gemm_.calls(p_.group_k());
    calls_ = p_.groups * group_calls_;
    for (int64_t call = 0; call < group_calls_; ++call) widest_ = std::max(widest_, call_columns(call));
    c_row_ = padded_row(p_.c);
    nr_row_ = padded_row(widest_);
    workers_ = num_threads();
    block_ = choose_block();
    blocks_ = ceil_div(count_, block_);
    if (blocks_ > workers_) {  // as many for each thread
      block_ = ceil_div(count_, round_up(blocks_, workers_));
      blocks_ = ceil_div(count_, block_);
    }
    order_ = WinogradOrder(tiles_, p_.n, block_);
    const int64_t slice = p_.dilation[0] * c_row_;
    taps_ = depth_taps(block_ * slice);
    last_taps_ = depth_taps((count_ - (blocks_ - 1) * block_) * slice);
    rescue_taps_ = depth_taps(points_ * c_row_);
    streams_outputs_ =
        streams_outputs(p_.n * p_.out_pixels() * p_.k * kFloat, p_.k, options_.dst_pixel_stride, options_.function);
    source_floats_ = points_ * point_stride_v(block_);
    product_floats_ = points_ * point_stride_m(block_);
    rescue_floats_ = points_ * (p_.c + p_.kernel[0] * c_row_ + nr_row_) + outputs_ * widest_;
  }

  int64_t workspace_bytes() const override {
    return checked_mul(checked_mul(workers_, source_floats_ + product_floats_ + rescue_floats_), kFloat);
  }
  const KernelInfo& kernel() const override { return transform_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (count_ == 0) return;
    transform_.count_run();
    gemm_.count_run();
    float* const memory = static_cast<float*>(b.workspace);
    float* const products = memory + workers_ * source_floats_;
    const int64_t worker_floats = product_floats_ + rescue_floats_;
    if (blocks_ >= workers_) {
      parallel_chunks(blocks_, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        float* const v = memory + worker * source_floats_;
        for (int64_t block = begin; block < end; ++block) {
          const int64_t first = block * block_, count = std::min(block_, count_ - first);
          transform_in(b.src, first, count, 0, count, v);
          multiply_out(b, v, first, count, 0, calls_, products + worker * worker_floats);
        }
      });
      return;
    }
    // Fewer blocks than threads: the threads share each block, first its tiles, then its columns.
    for (int64_t first = 0; first < count_; first += block_) {
      const int64_t count = std::min(block_, count_ - first);
      parallel_for(count, 1,
                   [&](int64_t begin, int64_t end) { transform_in(b.src, first, count, begin, end, memory); });
      parallel_chunks(calls_, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        multiply_out(b, memory, first, count, begin, end, products + worker * worker_floats);
      });
    }
  }

 private:
  // Tiles a block. Small blocks read all transformed weights again for each block, large ones push the transformed
  // pixels out of L2 and read those again for each panel: take the size that reads least from beyond L2. One far beyond
  // it saves little, and costs threads that share the next cache: 128@112 to 128 4.40 ms and, on two threads, 2.28 by
  // 196 tiles of 4 MB, 4.72 and 2.85 by 392 (Zen 5, 1 MB of L2, November 2026, fastconv.Conv).
  int64_t choose_block() const {
    const int64_t l2 = cpu_info().l2_bytes;
    const int64_t u_bytes = p_.groups * group_panels_ * gemm_.nr * points_ * p_.kernel[0] * p_.group_c() * kFloat;
    const int64_t whole = std::max<int64_t>(per_image_, 1), step = ceil_div(gemm_.mr, p_.out[0]);
    int64_t best = 0, least = INT64_MAX;
    for (int64_t tiles = step;; tiles += step) {
      const int64_t size = std::min(tiles, whole), v_bytes = points_ * size * slices_ * c_row_ * kFloat;
      const int64_t blocks = ceil_div(whole, size);
      const bool v_stays = v_bytes <= l2 / 2;
      const int64_t u_traffic = u_bytes + v_bytes <= l2 * 3 / 4 ? u_bytes : u_bytes * blocks;
      const int64_t traffic = u_traffic + (v_stays ? 0 : v_bytes * blocks * calls_);
      if (traffic < least) {
        least = traffic;
        best = size;
      }
      if (size == whole || v_bytes > 4 * l2) break;
    }
    return best;
  }

  int64_t point_stride_v(int64_t count) const { return count * slices_ * c_row_ + kLine; }
  int64_t point_stride_m(int64_t count) const { return count * p_.out[0] * nr_row_ + kLine; }

  // Elements from a pixel to the next one of a tile along an axis, in an image of the given width.
  static int64_t step(const WinogradAxis& axis, int64_t width, int64_t pixel_stride) {
    return axis.dilation * (axis.axis == 2 ? 1 : width) * pixel_stride;
  }
  // A pixel of a slice, counted from the slice's first.
  int64_t at(int64_t row, int64_t column, int64_t width) const {
    return tiles_.columns.axis == 2 ? row * width + column : column * width + row;
  }

  // The pixels of a block's tiles [begin, end), in its order; the block has `count` from `first`.
  void transform_in(const float* src, int64_t first, int64_t count, int64_t begin, int64_t end,
                    float* v) const noexcept {
    for (int64_t i = begin; i < end; ++i) {
      const Tile& t = order_[first + i];
      for (int64_t slice = 0; slice < slices_; ++slice) {
        transform_tile(src, options_.src_pixel_stride, t, slice, point_stride_v(count),
                       v + (slice * count + i) * c_row_);
      }
    }
  }

  // One slice of a tile; slices are counted from the first one that is read, which may lie in the padding.
  void transform_tile(const float* src, int64_t pixel_stride, const Tile& t, int64_t slice, int64_t point_stride,
                      float* dst) const noexcept {
    const int64_t depth = slice - p_.pad_begin[0], width = p_.in[2];
    const bool inside = depth >= 0 && depth < p_.in[0];
    WinogradInputArgs args;
    args.row_stride = step(tiles_.rows, width, pixel_stride);
    args.pixel_stride = step(tiles_.columns, width, pixel_stride);
    args.channels = p_.c;
    args.point_stride = point_stride;
    args.src = src + ((t.image * p_.in[0] + depth) * p_.in[1] * width + at(t.row->pixel, t.column->pixel, width)) *
                         pixel_stride;
    args.row_begin = t.row->inside_begin;
    args.row_end = inside ? t.row->inside_end : 0;
    args.column_begin = t.column->inside_begin;
    args.column_end = t.column->inside_end;
    args.dst = dst;
    args.thin_rows = t.row->thin;
    args.thin_columns = t.column->thin;
    transform_.fn(args);
  }

  // A call of tap-GEMM computes a panel of a group's columns, or the last one and the vector behind it.
  int64_t call_columns(int64_t call) const {  // in whole vectors
    return round_up(gemm_.call_columns(call % group_calls_, group_calls_, p_.group_k()), gemm_.nr / kPanelVectors);
  }
  int64_t panel_stride() const { return points_ * p_.kernel[0] * p_.group_c() * gemm_.nr; }
  const float* call_weights(const ConvBuffers& b, int64_t call, int64_t point) const {
    const int64_t panel = call / group_calls_ * group_panels_ + call % group_calls_;
    return b.weights + (panel * points_ + point) * p_.kernel[0] * p_.group_c() * gemm_.nr;
  }

  // The taps of the depth, in slices of transformed pixels `slice` elements apart.
  std::vector<Tap> depth_taps(int64_t slice) const {
    std::vector<Tap> taps;
    for (int64_t r = 0; r < p_.kernel[0]; ++r) taps.push_back({r * slice, r * p_.group_c() * gemm_.nr});
    return taps;
  }

  void multiply_out(const ConvBuffers& b, const float* v, int64_t first, int64_t count, int64_t call_begin,
                    int64_t call_end, float* m) const noexcept {
    const std::vector<Tap>& taps = count == block_ ? taps_ : last_taps_;
    GemmF32Args args{};
    args.row_stride = c_row_;
    args.taps = taps.data();
    args.tap_count = p_.kernel[0];
    args.k = p_.group_c();
    args.dst_stride = nr_row_;
    args.panel_stride = panel_stride();
    for (int64_t call = call_begin; call < call_end; ++call) {
      args.n = call_columns(call);
      for (int64_t point = 0; point < points_; ++point) {
        const WinogradOrder::Range with = order_.with_point(first, point);
        args.m = (with.end - with.begin) * p_.out[0];
        args.src = v + point * point_stride_v(count) + with.begin * c_row_ + call / group_calls_ * p_.group_c();
        args.weights = call_weights(b, call, point);
        const bool more = point + 1 < points_ || call + 1 < call_end;
        args.fetch_ahead = more ? p_.kernel[0] * p_.group_c() * gemm_.nr : 0;
        args.dst = m + point * point_stride_m(count) + with.begin * nr_row_;
        gemm_.fn(args);
      }
      for (int64_t i = 0; i < count; ++i) {
        const Tile& t = order_[first + i];
        for (int64_t slice = 0; slice < p_.out[0]; ++slice) {
          transform_out(b, m + (slice * count + i) * nr_row_, point_stride_m(count), t, slice, call,
                        m + product_floats_);
        }
      }
    }
    if (streams_outputs_) fence_streams();
  }

  // One slice of a tile.
  void transform_out(const ConvBuffers& b, const float* m, int64_t point_stride, const Tile& t, int64_t slice,
                     int64_t call, float* rescue_memory) const noexcept {
    const int64_t in_group = call % group_calls_ * gemm_.nr, width = p_.out[2];
    const int64_t column = call / group_calls_ * p_.group_k() + in_group;
    const int64_t pixel = (t.image * p_.out[0] + slice) * p_.out[1] * width + at(t.row->first, t.column->first, width);
    WinogradOutputArgs args;
    args.src = m;
    args.point_stride = point_stride;
    args.channels = gemm_.call_columns(call % group_calls_, group_calls_, p_.group_k());
    args.dst = b.dst + pixel * options_.dst_pixel_stride + column;
    args.row_stride = step(tiles_.rows, width, options_.dst_pixel_stride);
    args.pixel_stride = step(tiles_.columns, width, options_.dst_pixel_stride);
    args.rows = t.row->outputs;
    args.columns = t.column->outputs;
    args.thin_rows = t.row->thin;
    args.thin_columns = t.column->thin;
    args.only_finite = true;
    args.epilogue = epilogue_at(options_, b, pixel, step(tiles_.columns, width, 1), column, streams_outputs_);
    args.residual_row = step(tiles_.rows, width, options_.residual_pixel_stride);
    const int64_t done = transform_.output(args);
    if (done < args.channels) rescue(b, t, slice, call, done, args, rescue_memory);
  }

  // Computes channels [done, ...) of one tile, slice and call again from pixels scaled down by 2^20, so that neither
  // transform overflows where a direct sum would not. Rare: it runs for pixels beyond about 1e37, Inf and NaN. A thin
  // tile is taken for a whole one, of zeros further on.
  void rescue(const ConvBuffers& b, const Tile& t, int64_t slice, int64_t call, int64_t done,
              const WinogradOutputArgs& out, float* memory) const noexcept {
    const int64_t columns = tiles_.columns.size();
    float* const pixels = memory;
    float* const v = pixels + points_ * p_.c;
    float* const m = v + p_.kernel[0] * points_ * c_row_;
    float* const sums = m + points_ * nr_row_;
    for (int64_t r = 0; r < p_.kernel[0]; ++r) {
      gather_scaled(b.src, t, slice + r * p_.dilation[0], pixels);
      transform_.fn({pixels, columns * p_.c, p_.c, 0, tiles_.rows.size(), 0, tiles_.columns.size(), p_.c,
                     v + r * points_ * c_row_, c_row_, false, false});
    }
    for (int64_t i = 0; i < points_; ++i) {
      gemm_.fn({v + i * c_row_ + call / group_calls_ * p_.group_c(),
                0,
                rescue_taps_.data(),
                p_.kernel[0],
                p_.group_c(),
                call_weights(b, call, i),
                1,
                call_columns(call),
                m + i * nr_row_,
                0,
                {},
                panel_stride()});
    }
    const int width = tiles_.columns.m;
    transform_.output(
        {m, nr_row_, out.channels, sums, width * widest_, widest_, 0, tiles_.rows.m, width, false, false, false, {}});
    const Epilogue& e = out.epilogue;
    for (int i = 0; i < out.rows; ++i) {
      for (int j = 0; j < out.columns; ++j) {
        float* const sum = sums + (i * width + j) * widest_;
        const int64_t pixel = i * out.row_stride + j * out.pixel_stride;
        for (int64_t c = done; c < out.channels; ++c) {
          sum[c] *= 0x1p20f;
          if (e.bias) sum[c] += e.bias[c];
          if (e.residual) sum[c] += e.residual[i * out.residual_row + j * e.residual_stride + c];
        }
        // A tap-GEMM without taps applies the function.
        gemm_.fn({nullptr,
                  0,
                  nullptr,
                  0,
                  0,
                  nullptr,
                  1,
                  out.channels - done,
                  out.dst + pixel + done,
                  0,
                  {nullptr, sum + done, 0, e.call}});
      }
    }
  }

  // The pixels of one slice of a tile, times 2^-20.
  void gather_scaled(const float* src, const Tile& t, int64_t slice, float* pixels) const noexcept {
    const int64_t depth = slice - p_.pad_begin[0], width = p_.in[2];
    for (int i = 0; i < tiles_.rows.size(); ++i) {
      for (int j = 0; j < tiles_.columns.size(); ++j, pixels += p_.c) {
        const bool inside = depth >= 0 && depth < p_.in[0] && i >= t.row->inside_begin && i < t.row->inside_end &&
                            j >= t.column->inside_begin && j < t.column->inside_end;
        const int64_t pixel =
            (t.image * p_.in[0] + depth) * p_.in[1] * width +
            at(t.row->pixel + i * tiles_.rows.dilation, t.column->pixel + j * tiles_.columns.dilation, width);
        const float* from = src + pixel * options_.src_pixel_stride;
        for (int64_t c = 0; c < p_.c; ++c) pixels[c] = inside ? from[c] * 0x1p-20f : 0.0f;
      }
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  WinogradTiles tiles_;
  int64_t points_, outputs_;  // of a tile
  const WinogradKernel& transform_;
  const GemmF32Kernel& gemm_;
  int64_t per_image_, count_;  // tiles
  int64_t slices_, group_panels_, group_calls_, calls_;
  int64_t widest_ = 0;      // columns of a call
  int64_t c_row_, nr_row_;  // elements between tiles in V and M
  int64_t block_, blocks_;
  WinogradOrder order_;  // of the tiles, block by block
  bool streams_outputs_;
  std::vector<Tap> taps_, last_taps_, rescue_taps_;  // of a block, the last block, a tile
  int64_t workers_;                                  // threads that have memory of their own
  int64_t source_floats_, product_floats_, rescue_floats_;
};

// Smaller groups leave most of a panel empty.
constexpr int64_t kLeastGroup = 8;

template <int M>
std::string refuse(const ConvProblem& p) {
  if (p.transposed) return refuse_transposed(p);
  const int64_t taps = winograd_taps(p);
  if (!taps || !choose_winograd(M, static_cast<int>(taps), winograd_tiles(p, M).axes(), Isa::scalar)) {
    return concat(M == 2 ? "a kernel of 3x3, 3x1, 1x3, 5x5, 5x1 or 1x5" : "a kernel of 3x3, 3x1 or 1x3", ", got ",
                  p.kernel[1], "x", p.kernel[2]);
  }
  if (p.stride != Dims{1, 1, 1}) return concat("stride 1, got ", *std::max_element(p.stride.begin(), p.stride.end()));
  if (p.groups > 1 && std::min(p.group_c(), p.group_k()) < kLeastGroup) {
    return concat("groups of at least ", kLeastGroup, " channels, got ", p.group_c(), " to ", p.group_k());
  }
  return "";
}

// The share of a direct sum's products that meet no padding.
double inner_share(const ConvProblem& p) {
  double share = 1;
  for (int axis = 0; axis < 3; ++axis) {
    share *= inner_pairs(p, axis) / static_cast<double>(p.kernel[axis] * p.out[axis]);
  }
  return share;
}

// A tile errs by all that it holds, a direct sum only by its own products: the fewer those are, the worse the ratio.
// Six points, F(4,3) and F(2,5), on random data, relative to plain float32 sums, worst of 4 to 6 (EPYC, 32 output
// channels, images to 33x33 with 0 to 2 cells of padding or dilations to 16, 2026-11-27):
//   16 channels, at least 0.8 of the products outside the padding: 2.8x (3x3), 2.1x (5x5), 2.0x (lines of 3), 1.8x
//   (lines of 5), 2.1x (3x3x3); with a quarter in the padding 3.2x; 4 channels 3.4x at best
//   64 channels, at least 0.5: 2.9x; with less 4.5x
// Four points, F(2,3), stay below 2.1x, eight, F(6,3), are at 3.7x and more.
struct LongSums {
  int64_t channels;
  double inner_share;
};
constexpr LongSums kSixPoints[] = {{16, 0.8}, {64, 0.5}};

template <int M>
Precision precision_class(const ConvProblem& p) {
  const int64_t points = M + winograd_taps(p) - 1;
  if (points == 4) return Precision::highest;
  if (points > 6) return Precision::high;
  const double share = inner_share(p);
  for (const LongSums& least : kSixPoints) {
    if (p.group_c() >= least.channels && share >= least.inner_share) return Precision::highest;
  }
  return Precision::high;
}

template <int M>
constexpr Algorithm make_algorithm(const char* name) {
  return {
      name,
      precision_class<M>,
      refuse<M>,
      [](const ConvProblem& p, Isa isa) {
        return concat("winograd ", M, " ", choose_gemm_f32(isa).nr, " ", weight_order(p));
      },
      [](const ConvProblem& p, Isa isa) { return winograd_packed_size(p, M, choose_gemm_f32(isa).nr); },
      [](const ConvProblem& p, const float* weights, Isa isa, float* packed) {
        winograd_pack(p, M, weights, choose_gemm_f32(isa).nr, packed);
      },
      [](const ConvProblem& p, const ConvOptions& o) -> std::unique_ptr<ConvPlan> {
        return std::make_unique<WinogradPlan>(p, o, M);
      },
  };
}

}  // namespace

const Algorithm kWinograd2 = make_algorithm<2>("winograd2");
const Algorithm kWinograd4 = make_algorithm<4>("winograd4");
const Algorithm kWinograd6 = make_algorithm<6>("winograd6");

}  // namespace fastconv
