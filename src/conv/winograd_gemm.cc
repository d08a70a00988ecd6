// Winograd by tap-GEMM: transform a block of tiles, multiply point by point, transform back. A block is sized so that
// its transformed pixels stay in L2 while the transformed weights, larger than the weights, stream past. Taps along the
// depth, and the windows of a long line, are those of the products, between layers of transformed pixels.
//
//   pixels --input--> V[layer][tile][point][c]  x  U[panel][point][tap][c / groups][NR]
//   -> M[layer][tile][point][NR] --output--> pixels
//
// Panels of columns are those of all groups, one group's after the other's. A tile's points lie side by side, so that
// transforms write and read one run of memory: with the tiles of a point side by side, and room between points, 64@112
// took 1.36 ms for 1.31 and 64@28 0.091 for 0.088 (Zen 5, November 2026, old and new library in turns). One call
// multiplies all points that the same tiles have: a product of 14 tiles and 64 channels is as short as 1000 cycles.
// 64@56 0.325 ms by single points and 0.316, 64@224 5.18 and 4.95.
//
// Read next: winograd_order.h (in which order tiles stand), winograd_filters.h (how U is made).
#include "conv/winograd_gemm.h"

#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "conv/taps.h"
#include "conv/winograd_order.h"
#include "conv/winograd_transforms.h"
#include "kernels/gemm/schedule.h"

namespace fastconv {
namespace {

constexpr int64_t kFloat = sizeof(float);
// Tiles of V and M step past powers of two, or whole columns of them would fall into one set of the L1 cache: 16 floats
// are one line.
constexpr int64_t kLine = 16;

class WinogradGemmPlan : public ConvPlan {
 public:
  WinogradGemmPlan(const ConvProblem& problem, const ConvOptions& options, int m)
      : p_(without_depth(problem)),
        options_(with_strides(options, problem)),
        transforms_(p_, options_, winograd_tiles(p_, m), m),
        points_(transforms_.points()),
        layers_(winograd_layers(p_, winograd_tiles(p_, m))),
        gemm_(choose_gemm_f32(options.isa)) {
    const WinogradTiles tiles = winograd_tiles(p_, m);
    per_image_ = tiles.count();
    count_ = checked_mul(p_.n, per_image_);
    group_panels_ = ceil_div(p_.group_k(), gemm_.nr);
    group_calls_ = gemm_.calls(p_.group_k());
    calls_ = p_.groups * group_calls_;
    for (int64_t call = 0; call < group_calls_; ++call) widest_ = std::max(widest_, call_columns(call));
    v_point_ = round_up(p_.c, kLine);
    v_tile_ = points_ * v_point_ + kLine;
    m_tile_ = points_ * widest_ + kLine;
    workers_ = num_threads();
    block_ = choose_block();
    blocks_ = ceil_div(count_, block_);
    if (blocks_ > workers_) {  // as many for each thread
      block_ = ceil_div(count_, round_up(blocks_, workers_));
      blocks_ = ceil_div(count_, block_);
    }
    order_ = WinogradOrder(tiles, p_.n, block_);
    const int64_t layer = layers_.step * v_tile_;
    taps_ = layer_taps(block_ * layer);
    last_taps_ = layer_taps((count_ - (blocks_ - 1) * block_) * layer);
    rescue_taps_ = layer_taps(v_tile_);
    streams_outputs_ =
        streams_outputs(p_.n * p_.out_pixels() * p_.k * kFloat, p_.k, options_.dst_pixel_stride, options_.function);
    source_floats_ = block_ * layers_.in() * v_tile_;
    product_floats_ = block_ * layers_.out * m_tile_;
    rescue_floats_ = points_ * p_.c + layers_.taps * v_tile_ + m_tile_ + transforms_.outputs() * widest_;
  }

  int64_t workspace_bytes() const override {
    return checked_mul(checked_mul(workers_, source_floats_ + product_floats_ + rescue_floats_), kFloat);
  }
  const KernelInfo& kernel() const override { return transforms_.kernel(); }

  void run(const ConvBuffers& b) const noexcept override {
    if (count_ == 0) return;
    transforms_.kernel().count_run();
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
    const int64_t u_bytes = p_.groups * group_panels_ * panel_stride() * kFloat;
    const int64_t whole = std::max<int64_t>(per_image_, 1), step = ceil_div(gemm_.mr, layers_.out);
    int64_t best = 0, least = INT64_MAX;
    for (int64_t tiles = step;; tiles += step) {
      const int64_t size = std::min(tiles, whole), v_bytes = size * layers_.in() * v_tile_ * kFloat;
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

  // The pixels of a block's tiles [begin, end), in its order; the block has `count` from `first`.
  void transform_in(const float* src, int64_t first, int64_t count, int64_t begin, int64_t end,
                    float* v) const noexcept {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t layer = 0; layer < layers_.in(); ++layer) {
        transforms_.in(src, order_[first + i], layer, 0, p_.c, v + (layer * count + i) * v_tile_, v_point_);
      }
    }
  }

  // A call of tap-GEMM computes a panel of a group's columns, or the last one and the vector behind it.
  int64_t call_columns(int64_t call) const {  // in whole vectors
    return round_up(gemm_.call_columns(call % group_calls_, group_calls_, p_.group_k()), gemm_.nr / kPanelVectors);
  }
  int64_t point_weights() const { return layers_.taps * p_.group_c() * gemm_.nr; }  // of a panel
  int64_t panel_stride() const { return points_ * point_weights(); }
  const float* call_weights(const ConvBuffers& b, int64_t call, int64_t point) const {
    const int64_t panel = call / group_calls_ * group_panels_ + call % group_calls_;
    return b.weights + panel * panel_stride() + point * point_weights();
  }

  int64_t first_window(int64_t point) const {
    return transforms_.tiles().columns.first_window(static_cast<int>(point));
  }
  // The end of the points from `point` on that the same tiles of a block, and the same windows, have.
  int64_t alike(int64_t first, int64_t point) const {
    int64_t end = point + 1;
    while (end < points_ && order_.with_point(first, end) == order_.with_point(first, point) &&
           first_window(end) == first_window(point)) {
      ++end;
    }
    return end;
  }

  // The taps of the layers, which are of transformed pixels `layer` elements apart.
  std::vector<Tap> layer_taps(int64_t layer) const {
    std::vector<Tap> taps;
    for (int64_t r = 0; r < layers_.taps; ++r) taps.push_back({r * layer, r * p_.group_c() * gemm_.nr});
    return taps;
  }

  void multiply_out(const ConvBuffers& b, const float* v, int64_t first, int64_t count, int64_t call_begin,
                    int64_t call_end, float* m) const noexcept {
    const std::vector<Tap>& taps = count == block_ ? taps_ : last_taps_;
    GemmF32Args args{};
    args.row_stride = v_tile_;
    args.k = p_.group_c();
    args.dst_stride = m_tile_;
    args.panel_stride = panel_stride();
    args.fetch_ahead = point_weights();  // the last product's is of no use, and does no harm
    for (int64_t call = call_begin; call < call_end; ++call) {
      args.n = call_columns(call);
      for (int64_t point = 0, end; point < points_; point = end) {
        end = alike(first, point);
        const WinogradOrder::Range with = order_.with_point(first, point);
        const int64_t first_tap = first_window(point);
        args.taps = taps.data() + first_tap;
        args.tap_count = layers_.taps - first_tap;
        args.m = (with.end - with.begin) * layers_.out;
        args.src = v + with.begin * v_tile_ + point * v_point_ + call / group_calls_ * p_.group_c();
        args.weights = call_weights(b, call, point);
        args.dst = m + with.begin * m_tile_ + point * widest_;
        args.batch = {end - point, v_point_, point_weights(), widest_};
        gemm_.fn(args);
      }
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t layer = 0; layer < layers_.out; ++layer) {
          transform_out(b, m + (layer * count + i) * m_tile_, order_[first + i], layer, call, m + product_floats_);
        }
      }
    }
    if (streams_outputs_) fence_streams();
  }

  // One layer of a tile.
  void transform_out(const ConvBuffers& b, const float* m, const WinogradTile& t, int64_t layer, int64_t call,
                     float* rescue_memory) const noexcept {
    if (!transforms_.has_outputs(t, layer)) return;
    const int64_t column = call / group_calls_ * p_.group_k() + call % group_calls_ * gemm_.nr;
    const int64_t columns = gemm_.call_columns(call % group_calls_, group_calls_, p_.group_k());
    const WinogradOutputArgs args = transforms_.out(b, t, layer, column, columns, m, widest_, streams_outputs_);
    const int64_t done = transforms_.kernel().output(args);
    if (done == columns) return;
    if (streams_outputs_) fence_streams();  // what was stored must not come after what replaces it
    rescue(b, t, layer, call, done, args, rescue_memory);
  }

  // Computes channels [done, ...) of one tile, layer and call again, from pixels scaled down.
  void rescue(const ConvBuffers& b, const WinogradTile& t, int64_t layer, int64_t call, int64_t done,
              const WinogradOutputArgs& out, float* memory) const noexcept {
    float* const pixels = memory;
    float* const v = pixels + points_ * p_.c;
    float* const m = v + layers_.taps * v_tile_;
    for (int64_t r = 0; r < layers_.taps; ++r) {
      transforms_.gather_scaled(b.src, t, layer + r * layers_.step, pixels);
      transforms_.in_scaled(pixels, 0, p_.c, v + r * v_tile_, v_point_);
    }
    for (int64_t i = 0; i < points_; ++i) {
      gemm_.fn({v + i * v_point_ + call / group_calls_ * p_.group_c(),
                0,
                rescue_taps_.data(),
                layers_.taps,
                p_.group_c(),
                call_weights(b, call, i),
                1,
                call_columns(call),
                m + i * widest_,
                0,
                {},
                panel_stride()});
    }
    transforms_.out_scaled(out, done, m, widest_, m + m_tile_, widest_);
  }

  ConvProblem p_;
  ConvOptions options_;
  WinogradTransforms transforms_;
  int64_t points_;
  WinogradLayers layers_;
  const GemmF32Kernel& gemm_;
  int64_t per_image_, count_;  // tiles
  int64_t group_panels_, group_calls_, calls_;
  int64_t widest_ = 0;                 // columns of a call, and elements between points in M
  int64_t v_point_, v_tile_, m_tile_;  // elements between points and tiles in V, and tiles in M
  int64_t block_, blocks_;
  WinogradOrder order_;  // of the tiles, block by block
  bool streams_outputs_;
  std::vector<Tap> taps_, last_taps_, rescue_taps_;  // of a block, the last block, a tile
  int64_t workers_;                                  // threads that have memory of their own
  int64_t source_floats_, product_floats_, rescue_floats_;
};

}  // namespace

std::unique_ptr<ConvPlan> plan_winograd_gemm(const ConvProblem& problem, const ConvOptions& options, int m) {
  return std::make_unique<WinogradGemmPlan>(problem, options, m);
}

}  // namespace fastconv
