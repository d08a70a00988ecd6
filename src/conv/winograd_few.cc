#include "conv/winograd_few.h"

#include <algorithm>
#include <vector>

#include "base/checks.h"
#include "base/threads.h"
#include "conv/taps.h"
#include "conv/winograd_transforms.h"
#include "kernels/winograd/points.h"

namespace fastconv {
namespace {

constexpr int kM = 4, kTaps = 3, kPoints = (kM + kTaps - 1) * (kM + kTaps - 1);

// A thin tile saves nothing beside the transform of the filters.
WinogradTiles whole_tiles(const ConvProblem& p) {
  WinogradTiles tiles = winograd_tiles(p, kM);
  tiles.rows.thins = tiles.columns.thins = false;
  return tiles;
}

//   pixels --input--> V[group][c / kFewChannels][point][tile][kFewChannels]
//   x filters[group][panel][c][tap][columns] -> M[point][tile][columns] --output--> pixels
class WinogradFewPlan : public ConvPlan {
 public:
  WinogradFewPlan(const ConvProblem& problem, const ConvOptions& options)
      : p_(without_depth(problem)),
        options_(with_strides(options, problem)),
        transforms_(p_, options_, whole_tiles(p_), kM),
        few_(*choose_winograd_few(options.isa)),
        blocks_(ceil_div(p_.group_c(), kFewChannels)),
        panels_(ceil_div(p_.group_k(), few_.columns)),
        workers_(num_threads()) {
    const WinogradTiles tiles = whole_tiles(p_);
    for (int64_t i = 0; i < tiles.rows.tiles(); ++i) rows_.push_back(tiles.rows.tile(i));
    for (int64_t i = 0; i < tiles.columns.tiles(); ++i) columns_.push_back(tiles.columns.tile(i));
    source_floats_ = p_.groups * blocks_ * kPoints * count() * kFewChannels;
    product_floats_ = kPoints * count() * few_.columns;
    rescue_floats_ = kPoints * round_up(p_.c, kFewChannels) + blocks_ * kPoints * kFewChannels +
                     (kPoints + transforms_.outputs()) * few_.columns;
  }

  int64_t workspace_bytes() const override {
    const int64_t floats = checked_add(source_floats_, product_floats_ + rescue_floats_);
    return checked_mul(checked_mul(workers_, floats), sizeof(float));
  }
  const KernelInfo& kernel() const override { return few_; }

  void run(const ConvBuffers& b) const noexcept override {
    if (p_.n == 0 || count() == 0) return;
    transforms_.kernel().count_run();
    few_.count_run();
    float* const memory = static_cast<float*>(b.workspace);
    float* const products = memory + workers_ * source_floats_;
    const int64_t worker_floats = product_floats_ + rescue_floats_, panels = p_.groups * panels_;
    if (p_.n >= workers_) {
      parallel_chunks(p_.n, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        float* const v = memory + worker * source_floats_;
        for (int64_t image = begin; image < end; ++image) {
          transform_in(b.src, image, 0, p_.groups * blocks_, v);
          multiply_out(b, v, image, 0, panels, products + worker * worker_floats);
        }
      });
      return;
    }
    // Fewer images than threads: the threads share each, first its channels, then its columns.
    for (int64_t image = 0; image < p_.n; ++image) {
      parallel_for(p_.groups * blocks_, 1,
                   [&](int64_t begin, int64_t end) { transform_in(b.src, image, begin, end, memory); });
      parallel_chunks(panels, 1, workers_, [&](int64_t worker, int64_t begin, int64_t end) {
        multiply_out(b, memory, image, begin, end, products + worker * worker_floats);
      });
    }
  }

 private:
  int count() const { return static_cast<int>(rows_.size() * columns_.size()); }  // tiles of an image
  WinogradTile tile(int64_t image, int index) const {
    const int width = static_cast<int>(columns_.size());
    return {image, &rows_[index / width], &columns_[index % width]};
  }
  int64_t block_channel(int64_t block) const { return block / blocks_ * p_.group_c() + block % blocks_ * kFewChannels; }
  int64_t block_channels(int64_t block) const {
    return std::min<int64_t>(kFewChannels, p_.group_c() - block % blocks_ * kFewChannels);
  }

  // Blocks of channels [begin, end) of all groups.
  void transform_in(const float* src, int64_t image, int64_t begin, int64_t end, float* v) const noexcept {
    for (int64_t block = begin; block < end; ++block) {
      for (int i = 0; i < count(); ++i) {
        transforms_.in(src, tile(image, i), 0, block_channel(block), block_channels(block),
                       v + (block * kPoints * count() + i) * kFewChannels, count() * kFewChannels);
      }
    }
  }

  const float* filters(const ConvBuffers& b, int64_t panel) const {
    return b.weights + panel * p_.group_c() * kTaps * kTaps * few_.columns;
  }

  void multiply_out(const ConvBuffers& b, const float* v, int64_t image, int64_t begin, int64_t end,
                    float* m) const noexcept {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t group = panel / panels_, in_group = panel % panels_ * few_.columns;
      const int64_t columns = std::min<int64_t>(few_.columns, p_.group_k() - in_group);
      few_.fn({v + group * blocks_ * kPoints * count() * kFewChannels, filters(b, panel), p_.group_c(), count(), m});
      for (int i = 0; i < count(); ++i) {
        const WinogradTile t = tile(image, i);
        const WinogradOutputArgs args = transforms_.out(b, t, 0, group * p_.group_k() + in_group, columns,
                                                        m + i * few_.columns, count() * few_.columns, false);
        const int64_t done = transforms_.kernel().output(args);
        if (done < columns) rescue(b, t, panel, done, args, m + product_floats_);
      }
    }
  }

  // Computes channels [done, ...) of one tile and panel again, from pixels scaled down.
  void rescue(const ConvBuffers& b, const WinogradTile& t, int64_t panel, int64_t done, const WinogradOutputArgs& out,
              float* memory) const noexcept {
    float* const pixels = memory;
    float* const v = pixels + kPoints * round_up(p_.c, kFewChannels);
    float* const m = v + blocks_ * kPoints * kFewChannels;
    transforms_.gather_scaled(b.src, t, 0, pixels);
    for (int64_t i = 0; i < blocks_; ++i) {
      const int64_t block = panel / panels_ * blocks_ + i;
      transforms_.in_scaled(pixels, block_channel(block), block_channels(block), v + i * kPoints * kFewChannels,
                            kFewChannels);
    }
    few_.fn({v, filters(b, panel), p_.group_c(), 1, m});
    transforms_.out_scaled(out, done, m, few_.columns, m + kPoints * few_.columns, few_.columns);
  }

  ConvProblem p_;
  ConvOptions options_;
  WinogradTransforms transforms_;
  const WinogradFewKernel& few_;
  int64_t blocks_, panels_;  // of a group's channels, and of its columns
  int64_t workers_;          // threads that have memory of their own
  std::vector<WinogradAxis::Tile> rows_, columns_;
  int64_t source_floats_, product_floats_, rescue_floats_;
};

}  // namespace

bool few_tiles(const ConvProblem& p, int m, Isa isa) {
  const WinogradFewKernel* kernel = choose_winograd_few(isa);
  return kernel && m == kM && winograd_taps(p) == kTaps && slices_are_images(p) && winograd_tiles(p, m).axes() == 2 &&
         winograd_tiles(p, m).count() <= kernel->tiles;
}

int64_t winograd_few_packed_size(const ConvProblem& p, int64_t columns) {
  const int64_t panels = checked_mul(p.groups, ceil_div(p.group_k(), columns));
  return checked_mul(checked_mul(panels, p.group_c()), kTaps * kTaps * columns);
}

void winograd_few_pack(const ConvProblem& p, const float* weights, int64_t columns, float* packed) {
  constexpr double kPoint = winograd_points<kM + kTaps - 1>().p[0];
  constexpr double kPowers[] = {1, kPoint, kPoint * kPoint};
  const WeightLayout w = weight_layout(p);
  const int64_t panels = ceil_div(p.group_k(), columns);
  parallel_for(p.groups * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t column = panel % panels * columns, count = std::min(columns, p.group_k() - column);
      const float* const filters = weights + w.first + panel / panels * w.group + column * w.output;
      float* to = packed + panel * p.group_c() * kTaps * kTaps * columns;
      for (int64_t c = 0; c < p.group_c(); ++c) {
        for (int tap = 0; tap < kTaps * kTaps; ++tap, to += columns) {
          const double scale = kPowers[tap / kTaps] * kPowers[tap % kTaps];
          for (int64_t j = 0; j < count; ++j) {
            const float value = filters[j * w.output + c * w.input + tap * w.tap];
            to[j] = static_cast<float>(static_cast<double>(value) * scale);
          }
          std::fill(to + count, to + columns, 0.0f);
        }
      }
    }
  });
}

std::unique_ptr<ConvPlan> plan_winograd_few(const ConvProblem& problem, const ConvOptions& options) {
  return std::make_unique<WinogradFewPlan>(problem, options);
}

}  // namespace fastconv
