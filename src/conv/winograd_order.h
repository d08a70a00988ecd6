// The order in which Winograd's products take the tiles of a block. A thin tile lacks some points
// (kernels/winograd/winograd.h); the tiles that have a point lie side by side:
//
//   thin rows | neither | thin columns | both
#pragma once

#include <vector>

#include "conv/winograd_tiles.h"

namespace fastconv {

class WinogradOrder {
 public:
  struct Range {
    int64_t begin, end;
    bool operator==(const Range&) const = default;
  };

  WinogradOrder() = default;
  // Of all tiles of so many images, `block` of them a block, where that many are left.
  WinogradOrder(const WinogradTiles& tiles, int64_t images, int64_t block);
  WinogradOrder(WinogradOrder&&) = default;
  WinogradOrder& operator=(WinogradOrder&&) = default;

  const WinogradTile& operator[](int64_t place) const { return tiles_[place]; }
  // The places, in the block that begins at `first`, of the tiles that have a point.
  Range with_point(int64_t first, int64_t point) const { return blocks_[first / block_].with[kinds_[point]]; }

 private:
  // By the kind of a point: whether tiles with thin rows have it, times 2, plus whether those with thin columns do.
  struct Block {
    Range with[4];
  };

  int64_t block_ = 1;
  std::vector<WinogradAxis::Tile> rows_, columns_;
  std::vector<WinogradTile> tiles_;
  std::vector<Block> blocks_;
  std::vector<int> kinds_;
};

}  // namespace fastconv
