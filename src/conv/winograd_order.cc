#include "conv/winograd_order.h"

#include <algorithm>

#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

int part(const WinogradTile& tile) {
  return tile.row->thin ? (tile.column->thin ? 3 : 0) : (tile.column->thin ? 2 : 1);
}

}  // namespace

WinogradOrder::WinogradOrder(const WinogradTiles& tiles, int64_t images, int64_t block) : block_(block) {
  for (int64_t i = 0; i < tiles.rows.tiles(); ++i) rows_.push_back(tiles.rows.tile(i));
  for (int64_t i = 0; i < tiles.columns.places(); ++i) columns_.push_back(tiles.columns.tile(i));
  for (int64_t image = 0; image < images; ++image) {
    for (const WinogradAxis::Tile& row : rows_) {
      for (int64_t i = 0; i < tiles.columns.tiles(); ++i) {
        tiles_.push_back({image, &row, &columns_[static_cast<size_t>(i * tiles.columns.stack)]});
      }
    }
  }
  for (auto begin = tiles_.begin(); begin != tiles_.end();) {
    const auto end = begin + std::min<int64_t>(block, tiles_.end() - begin);
    std::stable_sort(begin, end, [](const WinogradTile& a, const WinogradTile& b) { return part(a) < part(b); });
    const auto end_of = [&](int last) {
      return std::count_if(begin, end, [&](const WinogradTile& tile) { return part(tile) <= last; });
    };
    blocks_.push_back({{{end_of(0), end_of(1)}, {end_of(0), end_of(2)}, {0, end_of(1)}, {0, end_of(3)}}});
    begin = end;
  }
  for (int row = 0; row < tiles.rows.size(); ++row) {
    for (int column = 0; column < tiles.columns.size(); ++column) {
      kinds_.push_back(2 * thin_has(row, tiles.rows.size()) + thin_has(column, tiles.columns.size()));
    }
  }
}

}  // namespace fastconv
