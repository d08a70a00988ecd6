// Where Winograd's F(m, r) puts its tiles in a convolution: pure arithmetic on sizes, for winograd.cc and the cost
// model.
//
// Two axes are transformed, or one, where the kernel has but one tap along the other. Dilated outputs fall into as many
// phases as the dilation, each of which is a convolution of every dilation-th pixel without dilation, with tiles of its
// own. The taps of the depth are not transformed: they are taps of the products between the transforms.
#pragma once

#include "conv/problem.h"

namespace fastconv {

struct WinogradAxis {
  int axis;  // of the problem
  int m, r;  // 1, 1: not transformed, each tile is one pixel of it
  int64_t in, out, pad, dilation;
  bool thins;  // a last tile of at most m - 2 outputs is thin (kernels/winograd/winograd.h)

  int size() const { return m + r - 1; }  // pixels of a tile, `dilation` apart
  int64_t tiles() const;
  int64_t tiles_with(int point) const;  // thin ones lack some
  struct Tile {
    int64_t first;  // output; the next is `dilation` further
    int outputs;    // at most m
    bool thin;
    int64_t pixel;                 // the first pixel that is read, which may lie in the padding, as may any:
    int inside_begin, inside_end;  // those that do not
  };
  Tile tile(int64_t index) const;
};

struct WinogradTile {
  int64_t image;
  const WinogradAxis::Tile *row, *column;
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

// Needs winograd_taps(problem) > 1.
WinogradTiles winograd_tiles(const ConvProblem& problem, int m);

}  // namespace fastconv
