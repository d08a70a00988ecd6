#include "conv/winograd_tiles.h"

#include <algorithm>

#include "base/checks.h"
#include "kernels/winograd/winograd.h"

namespace fastconv {
namespace {

// Of `out` outputs in `dilation` phases, the first `longer` phases have one more than the others.
struct Phases {
  int64_t shorter_outputs, longer, all;
  Phases(int64_t out, int64_t dilation)
      : shorter_outputs(out / dilation), longer(out % dilation), all(std::min(out, dilation)) {}
};

}  // namespace

int64_t WinogradAxis::tiles() const {
  const Phases phases(out, dilation);
  const int64_t single = phases.longer * ceil_div(phases.shorter_outputs + 1, m) +
                         (phases.all - phases.longer) * ceil_div(phases.shorter_outputs, m);
  return ceil_div(single, stack);
}

int64_t WinogradAxis::tiles_with(int point) const {
  if (!thins || thin_has(point, size())) return tiles();
  const Phases phases(out, dilation);
  const auto ends_thin = [&](int64_t outputs) { return outputs > 0 && (outputs - 1) % m < m - 2 ? 1 : 0; };
  return tiles() - phases.longer * ends_thin(phases.shorter_outputs + 1) -
         (phases.all - phases.longer) * ends_thin(phases.shorter_outputs);
}

WinogradAxis::Tile WinogradAxis::tile(int64_t place) const {
  if (windows > 1) return tile_at(0, place * m, out);
  const Phases phases(out, dilation);
  const int64_t in_longer = ceil_div(phases.shorter_outputs + 1, m), in_all_longer = phases.longer * in_longer;
  const bool longer = place < in_all_longer;
  const int64_t each = longer ? in_longer : ceil_div(phases.shorter_outputs, m);
  const int64_t at = longer ? place : place - in_all_longer;
  return tile_at(at / each + (longer ? 0 : phases.longer), at % each * m, phases.shorter_outputs + longer);
}

WinogradAxis::Tile WinogradAxis::tile_at(int64_t phase, int64_t begin, int64_t phase_outputs) const {
  Tile tile;
  tile.first = phase + begin * dilation;
  tile.outputs = static_cast<int>(std::clamp<int64_t>(phase_outputs - begin, 0, m));
  tile.thin = thins && tile.outputs <= m - 2;
  tile.pixel = tile.first - pad;
  const int pixels = tile.thin ? size() - 2 : size();
  const auto clip = [&](int64_t end) {
    return static_cast<int>(std::clamp<int64_t>(ceil_div(std::max<int64_t>(end, 0), dilation), 0, pixels));
  };
  tile.inside_begin = clip(-tile.pixel);
  tile.inside_end = clip(in - tile.pixel);
  return tile;
}

int64_t winograd_taps(const ConvProblem& p) {
  const int64_t high = std::max(p.kernel[1], p.kernel[2]), low = std::min(p.kernel[1], p.kernel[2]);
  return high > 1 && (low == high || low == 1) ? high : 0;
}

bool slices_are_images(const ConvProblem& p) {
  return p.kernel[0] == 1 && p.pad_begin[0] == 0 && p.pad_end[0] == 0;
}

namespace {

// Tiles of a stack: as many as share few transforms with the next one, and no more, so that threads and L2 get parts.
int64_t stacked(int64_t tiles, int64_t windows) {
  const int64_t most = std::max<int64_t>(16, 4 * windows);
  return std::max<int64_t>(ceil_div(tiles, std::max<int64_t>(ceil_div(tiles, most), 1)), 1);
}

WinogradAxis line_axis(WinogradAxis axis, int64_t taps) {
  axis.m = kLineOutputs;
  axis.r = kLineOutputs + 1;
  axis.windows = std::max<int64_t>(ceil_div(taps - 1, axis.m), 1);
  axis.last_is_full = taps - (axis.windows - 1) * axis.m == axis.r;
  if (axis.windows > 1) axis.stack = stacked(ceil_div(axis.out, axis.m), axis.windows);
  return axis;
}

}  // namespace

WinogradTiles winograd_tiles(const ConvProblem& p, int m) {
  const auto axis = [&](int which) {
    const int r = static_cast<int>(p.kernel[which]);
    const WinogradAxis plain{which,
                             r > 1 ? m : 1,
                             r,
                             p.in[which],
                             p.out[which],
                             p.pad_begin[which],
                             p.dilation[which],
                             r > 1 && m > kLineOutputs && slices_are_images(p)};
    return r > 1 && m == kLineOutputs ? line_axis(plain, r) : plain;
  };
  return p.kernel[2] > 1 ? WinogradTiles{axis(1), axis(2)} : WinogradTiles{axis(2), axis(1)};
}

WinogradLayers winograd_layers(const ConvProblem& p, const WinogradTiles& tiles) {
  if (tiles.columns.windows > 1) return {tiles.columns.stack, tiles.columns.windows, 1};
  return {p.out[0], p.kernel[0], p.dilation[0]};
}

}  // namespace fastconv
