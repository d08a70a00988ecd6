// Where Winograd's F(m, r) puts its tiles in a convolution: pure arithmetic on sizes, for winograd.cc and the cost
// model.
//
// Two axes are transformed, or one, where the kernel has but one tap along the other. Dilated outputs fall into as many
// phases as the dilation, each of which is a convolution of every dilation-th pixel without dilation, with tiles of its
// own. The taps of the depth are not transformed: they are taps of the products between the transforms.
//
// A long line of taps falls into windows of three, the last of up to four, for F(3, 4): with three outputs a tile,
// window w of a tile reads the pixels of window 0 of the w-th next. So tiles are transformed once, and windows are taps
// of the products between tiles of the line, which stand in stacks as slices do.
//
//   taps      0 1 2 | 3 4 5 6            outputs of tile t = tile t * window 0 + tile t + 1 * window 1
#pragma once

#include "conv/problem.h"

namespace fastconv {

struct WinogradAxis {
  int axis;  // of the problem
  int m, r;  // 1, 1: not transformed, each tile is one pixel of it
  int64_t in, out, pad, dilation;
  bool thins;           // a last tile of at most m - 2 outputs is thin (kernels/winograd/winograd.h)
  int64_t windows = 1;  // of a long line; all but the last have r - 1 taps
  bool last_is_full = true;
  int64_t stack = 1;  // tiles of outputs, one behind the other, that count as one; of a long line

  int size() const { return m + r - 1; }  // pixels of a tile, `dilation` apart
  int64_t tiles() const;
  // The tile that stands somewhere on the axis; of a long line, counted in single ones, as many as a stack reads.
  int64_t places() const { return windows > 1 ? tiles() * stack + windows - 1 : tiles(); }
  int64_t tiles_with(int point) const;  // thin ones lack some
  // The first window that has a product at a point: at infinity that is the r-th tap's alone.
  int64_t first_window(int point) const {
    return windows > 1 && point == size() - 1 ? windows - (last_is_full ? 1 : 0) : 0;
  }
  struct Tile {
    int64_t first;  // output; the next is `dilation` further
    int outputs;    // at most m; none behind the end of a long line
    bool thin;
    int64_t pixel;                 // the first pixel that is read, which may lie in the padding, as may any:
    int inside_begin, inside_end;  // those that do not
  };
  Tile tile(int64_t place) const;

 private:
  Tile tile_at(int64_t phase, int64_t begin, int64_t phase_outputs) const;
};

struct WinogradTile {
  int64_t image;
  const WinogradAxis::Tile *row, *column;  // of a long line, the first column of a stack, behind which the others lie
};

// Layers of a tile that share transformed pixels: output layer i is the sum over taps t of input layer i + t * step.
struct WinogradLayers {
  int64_t out, taps, step;
  int64_t in() const { return out + (taps - 1) * step; }
};

struct WinogradTiles {
  WinogradAxis rows, columns;  // of tiles; `columns` is the axis that is always transformed
  int axes() const { return rows.r > 1 ? 2 : 1; }
  int points() const { return rows.size() * columns.size(); }
  int64_t count() const { return rows.tiles() * columns.tiles(); }  // of an image's slice
};

// Whether each slice is a problem of its own, of two axes.
bool slices_are_images(const ConvProblem& problem);

// Taps along each transformed axis, where the kernel's shape is one that Winograd may suit (r x r, 1 x r, r x 1); else
// 0.
int64_t winograd_taps(const ConvProblem& problem);

// Lines of taps, also those of a single window, take F(kLineOutputs, kLineOutputs + 1).
inline constexpr int kLineOutputs = 3;

// Needs winograd_taps(problem) > 1.
WinogradTiles winograd_tiles(const ConvProblem& problem, int m);

// The slices of the depth; of a long line, the tiles of a stack.
WinogradLayers winograd_layers(const ConvProblem& problem, const WinogradTiles& tiles);

}  // namespace fastconv
