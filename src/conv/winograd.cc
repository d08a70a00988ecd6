// Winograd convolution F(m x m, 3 x 3), m = 2, 4, 6: transform a block of tiles, multiply point by point with
// tap-GEMM, transform back. A block is sized so that its transformed pixels stay in L2 while the transformed weights,
// (m+2)^2 / 9 as large as the weights, stream past.
//
//   pixels --input--> V[point][tile][c]   x   U[panel][point][c][NR]   -> M[point][tile][NR] --output--> pixels
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "conv/algorithms.h"
#include "kernels/gemm/schedule.h"
#include "kernels/winograd/points.h"
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

template <int M>
class WinogradPlan : public ConvPlan {
 public:
  static constexpr int T = M + 2;
  static constexpr int64_t kPoints = T * T;

  WinogradPlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(problem),
        options_(with_strides(options, problem)),
        transform_(choose_winograd(M, options.isa)),
        gemm_(choose_gemm_f32(options.isa)) {
    tiles_h_ = ceil_div(p_.out[1], M);
    tiles_w_ = ceil_div(p_.out[2], M);
    tiles_ = checked_mul(p_.n, tiles_h_ * tiles_w_);
    panels_ = ceil_div(p_.k, gemm_.nr);
    c_row_ = padded_row(p_.c);
    nr_row_ = gemm_.nr + kLine;
    block_ = choose_block();
    blocks_ = ceil_div(tiles_, block_);
    workers_ = num_threads();
    source_floats_ = checked_mul(kPoints * block_, c_row_) + kPoints * kLine;
    product_floats_ = kPoints * block_ * nr_row_;
    rescue_floats_ = kPoints * (p_.c + c_row_ + nr_row_) + M * M * gemm_.nr;
  }

  int64_t workspace_bytes() const override {
    return checked_mul(checked_mul(workers_, source_floats_ + product_floats_ + rescue_floats_), kFloat);
  }
  const KernelInfo& kernel() const override { return transform_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (tiles_ == 0) return;
    transform_.count_run();
    gemm_.count_run();
    float* const memory = static_cast<float*>(b.workspace);
    float* const products = memory + workers_ * source_floats_;
    const int64_t worker_floats = product_floats_ + rescue_floats_;
    if (blocks_ >= workers_) {
      parallel_chunks(blocks_, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        float* const v = memory + worker * source_floats_;
        for (int64_t block = begin; block < end; ++block) {
          const int64_t first = block * block_, count = std::min(block_, tiles_ - first);
          transform_in(b.src, first, count, 0, count, v);
          multiply_out(b, v, first, count, 0, panels_, products + worker * worker_floats);
        }
      });
      return;
    }
    // Fewer blocks than threads: the threads share each block, first its tiles, then its panels.
    for (int64_t first = 0; first < tiles_; first += block_) {
      const int64_t count = std::min(block_, tiles_ - first);
      parallel_for(count, 1,
                   [&](int64_t begin, int64_t end) { transform_in(b.src, first, count, begin, end, memory); });
      parallel_chunks(panels_, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        multiply_out(b, memory, first, count, begin, end, products + worker * worker_floats);
      });
    }
  }

 private:
  // Tiles a block. Small blocks read all transformed weights again for each block, large ones push the transformed
  // pixels out of L2 and read those again for each panel: take the size that reads least from beyond L2.
  int64_t choose_block() const {
    const int64_t l2 = cpu_info().l2_bytes;
    const int64_t u_bytes = panels_ * gemm_.nr * kPoints * p_.c * kFloat;
    const int64_t whole = std::max<int64_t>(tiles_h_ * tiles_w_, 1);
    int64_t best = 0, least = INT64_MAX;
    for (int64_t rows = gemm_.mr;; rows += gemm_.mr) {
      const int64_t size = std::min(rows, whole), v_bytes = kPoints * size * c_row_ * kFloat;
      const int64_t blocks = ceil_div(whole, size);
      const bool v_stays = v_bytes <= l2 / 2;
      const int64_t u_traffic = u_bytes + v_bytes <= l2 * 3 / 4 ? u_bytes : u_bytes * blocks;
      const int64_t traffic = u_traffic + (v_stays ? 0 : v_bytes * blocks * panels_);
      if (traffic < least) {
        least = traffic;
        best = size;
      }
      if (size == whole || v_bytes > 8 * l2) break;
    }
    return best;
  }

  int64_t point_stride_v(int64_t count) const { return count * c_row_ + kLine; }
  int64_t point_stride_m(int64_t count) const { return count * nr_row_; }

  // The pixels of tiles [first + begin, first + end) of a block of `count`.
  void transform_in(const float* src, int64_t first, int64_t count, int64_t begin, int64_t end,
                    float* v) const noexcept {
    WinogradInputArgs args;
    args.row_stride = p_.in[2] * options_.src_pixel_stride;
    args.pixel_stride = options_.src_pixel_stride;
    args.channels = p_.c;
    args.point_stride = point_stride_v(count);
    for (int64_t i = begin; i < end; ++i) {
      const Position at = position(first + i);
      const int64_t y = at.y - p_.pad_begin[1], x = at.x - p_.pad_begin[2];
      args.src = src + ((at.image * p_.in[1] + y) * p_.in[2] + x) * options_.src_pixel_stride;
      args.row_begin = clip(-y);
      args.row_end = clip(p_.in[1] - y);
      args.column_begin = clip(-x);
      args.column_end = clip(p_.in[2] - x);
      args.dst = v + i * c_row_;
      transform_.fn(args);
    }
  }

  const float* panel_weights(const ConvBuffers& b, int64_t panel, int64_t point) const {
    return b.weights + (panel * kPoints + point) * p_.c * gemm_.nr;
  }

  // A tile's first output pixel.
  struct Position {
    int64_t image, y, x;
  };
  Position position(int64_t tile) const {
    return {tile / (tiles_h_ * tiles_w_), tile / tiles_w_ % tiles_h_ * M, tile % tiles_w_ * M};
  }

  static int clip(int64_t position) { return static_cast<int>(std::clamp<int64_t>(position, 0, T)); }

  void multiply_out(const ConvBuffers& b, const float* v, int64_t first, int64_t count, int64_t panel_begin,
                    int64_t panel_end, float* m) const noexcept {
    const Tap tap{0, 0};
    GemmF32Args args{};
    args.row_stride = c_row_;
    args.taps = &tap;
    args.tap_count = 1;
    args.k = p_.c;
    args.m = count;
    args.n = gemm_.nr;
    args.dst_stride = nr_row_;
    for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
      for (int64_t point = 0; point < kPoints; ++point) {
        args.src = v + point * point_stride_v(count);
        args.weights = panel_weights(b, panel, point);
        args.next = point + 1 < kPoints || panel + 1 < panel_end ? args.weights + p_.c * gemm_.nr : nullptr;
        args.dst = m + point * point_stride_m(count);
        gemm_.fn(args);
      }
      transform_out(b, m, first, count, panel);
    }
  }

  void transform_out(const ConvBuffers& b, float* m, int64_t first, int64_t count, int64_t panel) const noexcept {
    const int64_t column = panel * gemm_.nr;
    WinogradOutputArgs args;
    args.point_stride = point_stride_m(count);
    args.channels = std::min<int64_t>(gemm_.nr, p_.k - column);
    args.row_stride = p_.out[2] * options_.dst_pixel_stride;
    args.pixel_stride = options_.dst_pixel_stride;
    args.residual_row = p_.out[2] * options_.residual_pixel_stride;
    args.only_finite = true;
    args.epilogue.call = options_.function;
    if (b.bias) args.epilogue.bias = b.bias + column;
    for (int64_t i = 0; i < count; ++i) {
      const Position at = position(first + i);
      const int64_t pixel = (at.image * p_.out[1] + at.y) * p_.out[2] + at.x;
      args.src = m + i * nr_row_;
      args.dst = b.dst + pixel * options_.dst_pixel_stride + column;
      args.rows = static_cast<int>(std::min<int64_t>(M, p_.out[1] - at.y));
      args.columns = static_cast<int>(std::min<int64_t>(M, p_.out[2] - at.x));
      if (options_.residual) {
        args.epilogue.residual = b.residual + pixel * options_.residual_pixel_stride + column;
        args.epilogue.residual_stride = options_.residual_pixel_stride;
      }
      const int64_t done = transform_.output(args);
      if (done < args.channels) rescue(b, at, panel, done, args, m + product_floats_);
    }
  }

  // Computes channels [done, ...) of one tile and panel again from pixels scaled down by 2^20, so that neither
  // transform overflows where a direct sum would not. Rare: it runs for pixels beyond about 1e37, Inf and NaN.
  void rescue(const ConvBuffers& b, Position at, int64_t panel, int64_t done, const WinogradOutputArgs& out,
              float* memory) const noexcept {
    float* const pixels = memory;
    float* const v = pixels + kPoints * p_.c;
    float* const m = v + kPoints * c_row_;
    float* const sums = m + kPoints * nr_row_;
    for (int64_t i = 0; i < kPoints; ++i) {
      const int64_t y = at.y - p_.pad_begin[1] + i / T, x = at.x - p_.pad_begin[2] + i % T;
      const bool inside = y >= 0 && y < p_.in[1] && x >= 0 && x < p_.in[2];
      const float* src = b.src + ((at.image * p_.in[1] + y) * p_.in[2] + x) * options_.src_pixel_stride;
      for (int64_t c = 0; c < p_.c; ++c) pixels[i * p_.c + c] = inside ? src[c] * 0x1p-20f : 0.0f;
    }
    transform_.fn({pixels, T * p_.c, p_.c, 0, T, 0, T, p_.c, v, c_row_});
    const Tap tap{0, 0};
    for (int64_t i = 0; i < kPoints; ++i) {
      gemm_.fn(
          {v + i * c_row_, 0, &tap, 1, p_.c, panel_weights(b, panel, i), 1, gemm_.nr, m + i * nr_row_, 0, {}, nullptr});
    }
    transform_.output({m, nr_row_, out.channels, sums, M * gemm_.nr, gemm_.nr, 0, M, M, false, {}});
    const Epilogue& e = out.epilogue;
    for (int i = 0; i < out.rows; ++i) {
      for (int j = 0; j < out.columns; ++j) {
        float* const sum = sums + (i * M + j) * gemm_.nr;
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
                  {nullptr, sum + done, 0, e.call},
                  nullptr});
      }
    }
  }

  ConvProblem p_;
  ConvOptions options_;
  const WinogradKernel& transform_;
  const GemmF32Kernel& gemm_;
  int64_t tiles_h_, tiles_w_, tiles_, panels_;
  int64_t c_row_, nr_row_;  // elements between tiles in V and M
  int64_t block_, blocks_;
  int64_t workers_;  // threads that have memory of their own
  int64_t source_floats_, product_floats_, rescue_floats_;
};

// Up to kMostColumns 3x3 filters to (m+2)^2 points each, in float64: U = G g G^T. Filters side by side, so that the
// compiler vectorises over them. filters[j]: the j-th filter; u[point][j]: its points, `u_stride` apart.
constexpr int kMostColumns = 16;

template <int M>
void transform_filters(const float* filters, int64_t filter_stride, int64_t count, float* u, int64_t u_stride) {
  constexpr WinogradPoints<M> points = winograd_points<M>();
  constexpr int T = M + 2;
  double rows[T][3] = {};  // G
  rows[0][0] = 1 / points.norm_zero();
  for (int i = 0; i < M / 2; ++i) {
    for (int sign = 0; sign < 2; ++sign) {
      const double x = sign ? -points.p[i] : points.p[i];
      for (int k = 0; k < 3; ++k) rows[1 + 2 * i + sign][k] = (k == 0 ? 1 : k == 1 ? x : x * x) / points.norm(i);
    }
  }
  rows[T - 1][2] = 1;
  double g[9][kMostColumns] = {}, half[3][kMostColumns];
  for (int64_t j = 0; j < count; ++j) {
    for (int i = 0; i < 9; ++i) g[i][j] = filters[j * filter_stride + i];
  }
  for (int i = 0; i < T; ++i) {
    for (int s = 0; s < 3; ++s) {
      for (int j = 0; j < kMostColumns; ++j) {
        half[s][j] = rows[i][0] * g[s][j] + rows[i][1] * g[3 + s][j] + rows[i][2] * g[6 + s][j];
      }
    }
    for (int k = 0; k < T; ++k) {
      float* out = u + (i * T + k) * u_stride;
      for (int64_t j = 0; j < count; ++j) {
        out[j] = static_cast<float>(half[0][j] * rows[k][0] + half[1][j] * rows[k][1] + half[2][j] * rows[k][2]);
      }
    }
  }
}

// U[panel][point][c][NR]
template <int M>
void pack(const ConvProblem& p, const float* weights, Isa isa, float* packed) {
  constexpr int64_t kPoints = (M + 2) * (M + 2);
  const int64_t nr = choose_gemm_f32(isa).nr, panels = ceil_div(p.k, nr), panel_size = kPoints * p.c * nr;
  parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      float* const u = packed + panel * panel_size;
      const int64_t columns = std::min(nr, p.k - panel * nr);
      if (columns < nr) std::fill(u, u + panel_size, 0.0f);
      const float* filters = weights + panel * nr * p.c * 9;
      for (int64_t j = 0; j < columns; j += kMostColumns) {
        const int64_t count = std::min<int64_t>(kMostColumns, columns - j);
        for (int64_t c = 0; c < p.c; ++c) {
          transform_filters<M>(filters + (j * p.c + c) * 9, p.c * 9, count, u + c * nr + j, p.c * nr);
        }
      }
    }
  });
}

template <int M>
int64_t packed_floats(const ConvProblem& p, Isa isa) {
  const int64_t nr = choose_gemm_f32(isa).nr;
  return checked_mul(ceil_div(p.k, nr), checked_mul((M + 2) * (M + 2) * p.c, nr));
}

std::string refuse(const ConvProblem& p) {
  if (p.transposed) return "a forward convolution, got a transposed one";
  if (p.kernel != Dims{1, 3, 3}) {
    return concat("a 3x3 kernel, got ", p.kernel[0], "x", p.kernel[1], "x", p.kernel[2]);
  }
  if (p.in[0] != 1) return concat("a depth of 1, got ", p.in[0]);
  if (p.stride != Dims{1, 1, 1}) return concat("stride 1, got ", std::max(p.stride[1], p.stride[2]));
  if (p.dilation[1] != 1 || p.dilation[2] != 1) {
    return concat("dilation 1, got ", std::max(p.dilation[1], p.dilation[2]));
  }
  if (p.pad_begin[0] || p.pad_end[0]) return concat("no padding in depth, got ", p.pad_begin[0] + p.pad_end[0]);
  if (p.groups != 1) return concat("groups = 1, got ", p.groups);
  return "";
}

// The share of a direct sum's products that meet no padding.
double inner_share(const ConvProblem& p) {
  double share = 1;
  for (int axis = 1; axis < 3; ++axis) {
    int64_t inner = 0;
    for (int64_t r = 0; r < 3; ++r) {
      const int64_t ahead = p.pad_begin[axis] - r;  // outputs before this one read the padding
      inner += std::max<int64_t>(0, std::min(p.out[axis], p.in[axis] + ahead) - std::max<int64_t>(0, ahead));
    }
    share *= static_cast<double>(inner) / static_cast<double>(3 * p.out[axis]);
  }
  return share;
}

// A tile errs by all that it holds, a direct sum only by its own products: the fewer those are, the worse the ratio.
// F(4,3) on random data, relative to plain float32 sums, worst of 6 (EPYC, AVX2, 3x3, 32 output channels, images to
// 14x14 with 0 to 3 cells of padding, 2026-11-22): 16 channels 2.8x where padding takes less than a fifth of the
// products, 3.2x where it takes a quarter; 4 channels 3.4x at best; 1x1 padded to 3x3 outputs 7x. F(2,3) stays
// below 2.1x.
constexpr int64_t kWinograd4Channels = 16;
constexpr double kWinograd4Inner = 0.8;

template <int M>
Precision precision_class(const ConvProblem& p) {
  if (M == 2) return Precision::highest;
  const bool long_sums = p.c >= kWinograd4Channels && inner_share(p) >= kWinograd4Inner;
  return M == 4 && long_sums ? Precision::highest : Precision::high;
}

template <int M>
constexpr Algorithm make_algorithm(const char* name) {
  return {
      name,
      precision_class<M>,
      refuse,
      [](const ConvProblem&, Isa isa) { return concat("winograd ", M, " ", choose_gemm_f32(isa).nr); },
      packed_floats<M>,
      pack<M>,
      [](const ConvProblem& p, const ConvOptions& o) -> std::unique_ptr<ConvPlan> {
        return std::make_unique<WinogradPlan<M>>(p, o);
      },
  };
}

}  // namespace

const Algorithm kWinograd2 = make_algorithm<2>("winograd2");
const Algorithm kWinograd4 = make_algorithm<4>("winograd4");
const Algorithm kWinograd6 = make_algorithm<6>("winograd6");

}  // namespace fastconv
