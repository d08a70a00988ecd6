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
  return phases.longer * ceil_div(phases.shorter_outputs + 1, m) +
         (phases.all - phases.longer) * ceil_div(phases.shorter_outputs, m);
}

int64_t WinogradAxis::tiles_with(int point) const {
  if (!thins || thin_has(point, size())) return tiles();
  const Phases phases(out, dilation);
  const auto ends_thin = [&](int64_t outputs) { return outputs > 0 && (outputs - 1) % m < m - 2 ? 1 : 0; };
  return tiles() - phases.longer * ends_thin(phases.shorter_outputs + 1) -
         (phases.all - phases.longer) * ends_thin(phases.shorter_outputs);
}

WinogradAxis::Tile WinogradAxis::tile(int64_t index) const {
  const Phases phases(out, dilation);
  const int64_t in_longer = ceil_div(phases.shorter_outputs + 1, m), in_all_longer = phases.longer * in_longer;
  const bool longer = index < in_all_longer;
  const int64_t each = longer ? in_longer : ceil_div(phases.shorter_outputs, m);
  const int64_t at = longer ? index : index - in_all_longer;
  const int64_t phase = at / each + (longer ? 0 : phases.longer), begin = at % each * m;
  Tile tile;
  tile.first = phase + begin * dilation;
  tile.outputs = static_cast<int>(std::min<int64_t>(m, phases.shorter_outputs + longer - begin));
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

WinogradTiles winograd_tiles(const ConvProblem& p, int m) {
  const auto axis = [&](int which) {
    const int r = static_cast<int>(p.kernel[which]);
    const bool thins = r > 1 && m > 2 && slices_are_images(p);
    return WinogradAxis{which, r > 1 ? m : 1, r, p.in[which], p.out[which], p.pad_begin[which], p.dilation[which],
                        thins};
  };
  return p.kernel[2] > 1 ? WinogradTiles{axis(1), axis(2)} : WinogradTiles{axis(2), axis(1)};
}

}  // namespace fastconv
