// A tile's way into Winograd's domain and back: which pixels the kernels read and write, for every plan that multiplies
// in between. Where a sum in that domain is not finite, the plan computes the tile again (rescue).
#pragma once

#include "conv/algorithm.h"
#include "conv/winograd_tiles.h"
#include "kernels/gemm/table.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {

// Where the kernel is one slice deep, slices are images.
ConvProblem without_depth(ConvProblem problem);

class WinogradTransforms {
 public:
  // The problem is without_depth; the options have their strides.
  WinogradTransforms(const ConvProblem& problem, const ConvOptions& options, const WinogradTiles& tiles, int m);

  const WinogradKernel& kernel() const { return kernel_; }
  const WinogradTiles& tiles() const { return tiles_; }
  int points() const { return tiles_.points(); }
  int outputs() const { return tiles_.rows.m * tiles_.columns.m; }  // of a tile

  // Channels [channel, channel + channels) of one layer of a tile to points. Layers are counted from the first one that
  // is read, which may lie in the padding.
  void in(const float* src, const WinogradTile& tile, int64_t layer, int64_t channel, int64_t channels, float* dst,
          int64_t point_stride) const noexcept;

  // Behind the end of a long line there are none.
  bool has_outputs(const WinogradTile& tile, int64_t layer) const { return place(tile, layer).column->outputs > 0; }

  // What the output transform of one layer of a tile needs; it stops before sums that are not finite.
  WinogradOutputArgs out(const ConvBuffers& b, const WinogradTile& tile, int64_t layer, int64_t column, int64_t columns,
                         const float* sums, int64_t point_stride, bool streams) const noexcept;

  // The pixels of one layer of a tile, times 2^-30, so that neither transform overflows where a direct sum would not:
  // [pixel][c]. Rare: for pixels beyond about 1e33, Inf and NaN. A thin tile is taken for a whole one, of zeros further
  // on.
  void gather_scaled(const float* src, const WinogradTile& tile, int64_t layer, float* pixels) const noexcept;
  // Such pixels, channels [channel, channel + channels), to points.
  void in_scaled(const float* pixels, int64_t channel, int64_t channels, float* dst,
                 int64_t point_stride) const noexcept;
  // Writes channels [done, ...) of what out() told from the sums of scaled pixels. `memory`: outputs() * columns
  // floats.
  void out_scaled(const WinogradOutputArgs& out, int64_t done, const float* sums, int64_t point_stride, float* memory,
                  int64_t columns) const noexcept;

 private:
  // Where a layer of a tile lies.
  struct Place {
    int64_t slice;
    const WinogradAxis::Tile *row, *column;
  };
  Place place(const WinogradTile& tile, int64_t layer) const {
    if (tiles_.columns.windows > 1) return {0, tile.row, tile.column + layer};
    return {layer, tile.row, tile.column};
  }

  ConvProblem p_;
  ConvOptions options_;
  WinogradTiles tiles_;
  const WinogradKernel& kernel_;
  const GemmF32Kernel& gemm_;
};

}  // namespace fastconv
