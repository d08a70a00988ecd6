// pad: constant, reflect, edge and wrap, by as much as one likes, and negative pads that cut. For each axis a map says
// which cell an output position shows; its straight pieces, over all axes, are strided copies and fills.
#include <algorithm>

#include "graph/ops/move.h"
#include "graph/ops/ops.h"

namespace fastconv::graph {
namespace {

struct Pads {
  std::vector<int64_t> begin, end;
};

Pads pads_of(const InferContext& c) {
  const int64_t rank = static_cast<int64_t>(c.shape(0).size());
  const auto pads = c.ints(1);
  std::vector<int64_t> axes;
  if (c.has_input(3)) {
    axes = c.ints(3);
  } else {
    for (int64_t a = 0; a < rank; ++a) axes.push_back(a);
  }
  if (pads.size() != 2 * axes.size()) {
    c.fail(
        concat("pads must have a begin and an end for each of ", axes.size(), " axes, got ", pads.size(), " values"));
  }
  Pads result{std::vector<int64_t>(rank, 0), std::vector<int64_t>(rank, 0)};
  std::vector<bool> seen(rank, false);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t a = c.axis(axes[i], rank);
    if (seen[a]) c.fail(concat("axes must name an axis once, got ", a, " twice"));
    seen[a] = true;
    result.begin[a] = pads[i];
    result.end[a] = pads[i + axes.size()];
  }
  return result;
}

// Every time the image is shown again, there or back, is a copy of its own: more of them than this is no padding.
constexpr int64_t kMostRepeats = int64_t{1} << 20;

void infer_pad(InferContext& c) {
  const Pads pads = pads_of(c);
  const std::string mode = c.get_string("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap") {
    c.fail(concat("mode must be constant, reflect, edge or wrap, got ", mode));
  }
  if (c.has_input(2) && (element_count(c.shape(2)) != 1 || c.dtype(2) != c.dtype(0))) {
    c.fail(concat("value must be one ", dtype_name(c.dtype(0)), ", got ", element_count(c.shape(2)), " ",
                  dtype_name(c.dtype(2))));
  }
  const bool repeats = mode == "reflect" || mode == "wrap";
  int64_t total = 1;
  Shape shape = c.shape(0);
  for (size_t a = 0; a < shape.size(); ++a) {
    const int64_t kept =
        checked_add(shape[a], checked_add(std::min<int64_t>(pads.begin[a], 0), std::min<int64_t>(pads.end[a], 0)));
    const int64_t extent = checked_add(shape[a], checked_add(pads.begin[a], pads.end[a]));
    if (extent < 0) c.fail(concat("pads must leave an extent >= 0 on axis ", a, ", got ", extent));
    if (mode != "constant" && kept < 1 && extent > 0) {
      c.fail(concat("mode ", mode, " must have cells to repeat on axis ", a, ", got ", kept));
    }
    if (repeats && kept > 1) total = checked_mul(total, ceil_div(extent, kept - 1));
    if (total > kMostRepeats) c.fail(concat("mode ", mode, " must repeat the input at most 2^20 times, got ", total));
    shape[a] = extent;
  }
  c.set_output(0, c.dtype(0), shape);
}

// Output positions dst, dst + 1 ... show cells src, src + step ...; src kNone: none, they are filled.
struct Piece {
  static constexpr int64_t kNone = -1;
  int64_t dst, src, step, count;
};

// The straight piece that starts at position i, counted from the image's first cell of n, and goes on to at most `end`.
Piece piece_at(const std::string& mode, int64_t i, int64_t n, int64_t end) {
  const auto modulo = [](int64_t x, int64_t period) { return ((x % period) + period) % period; };
  const int64_t side = i < 0 ? -i : end - i;  // cells on this side of the image
  if (i >= 0 && i < n) return {i, i, 1, n - i};
  if (mode == "constant") return {i, Piece::kNone, 0, side};
  if (mode == "edge" || n == 1) return {i, i < 0 ? 0 : n - 1, 0, side};
  if (mode == "wrap") {
    const int64_t place = modulo(i, n);
    return {i, place, 1, n - place};
  }
  const int64_t period = 2 * (n - 1), place = modulo(i, period);  // there and back, the ends shown once
  if (place < n - 1) return {i, place, 1, n - 1 - place};
  return {i, period - place, -1, period - place};
}

std::vector<Piece> pieces(const std::string& mode, int64_t extent, int64_t begin, int64_t end) {
  // Negative pads cut first: what they leave is the image that the others repeat.
  const int64_t cut = std::max<int64_t>(0, -begin), kept = extent - cut + std::min<int64_t>(end, 0);
  const int64_t first = -std::max<int64_t>(begin, 0), last = kept + std::max<int64_t>(end, 0);
  std::vector<Piece> result;
  for (int64_t i = first; i < last;) {
    Piece piece = piece_at(mode, i, kept, last);
    piece.count = std::min(piece.count, last - i);
    i += piece.count;
    piece.dst -= first;
    if (piece.src != Piece::kNone) piece.src += cut;
    result.push_back(piece);
  }
  return result;
}

// Adds a copy for each combination of the axes' pieces, and one fill where an axis shows no cell.
struct PadMoves {
  const PlanContext& c;
  MoveStep& step;
  std::vector<std::vector<Piece>> axes;
  std::vector<int64_t> from, to;

  void add(size_t axis, StridedCopy copy, int64_t src_offset, int64_t dst_offset) {
    if (axis == axes.size()) return step.add(copy, 0, src_offset, 0, dst_offset);
    for (const Piece& piece : axes[axis]) {
      StridedCopy next = copy;
      const int64_t dst = dst_offset + piece.dst * to[axis];
      if (piece.src == Piece::kNone) {
        fill(next.add(piece.count, 0, to[axis]), axis + 1, dst);
      } else {
        add(axis + 1, next.add(piece.count, piece.step * from[axis], to[axis]), src_offset + piece.src * from[axis],
            dst);
      }
    }
  }

  void fill(StridedCopy copy, size_t axis, int64_t dst_offset) {
    for (int d = 0; d < copy.rank; ++d) copy.src_stride[d] = 0;
    for (; axis < axes.size(); ++axis) copy.add(c.output(0).shape[axis], 0, to[axis]);
    step.add(copy, MoveStep::kFill, 0, 0, dst_offset);
  }
};

std::unique_ptr<Step> plan_pad(PlanContext& c) {
  const Pads pads = pads_of(c);
  const std::string mode = c.get_string("mode", "constant");
  auto step = std::make_unique<MoveStep>();
  PadMoves moves{c, *step, {}, strides_of(c.input(0)), strides_of(c.output(0))};
  if (c.has_input(2)) step->set_fill(c.known(2).data.data(), size_of(c.dtype(2)));
  for (size_t a = 0; a < pads.begin.size(); ++a) {
    moves.axes.push_back(pieces(mode, c.shape(0)[a], pads.begin[a], pads.end[a]));
  }
  moves.add(0, copy_of(c.input(0)), 0, 0);
  return step;
}

}  // namespace

const OpDef op_pad{"pad",    infer_pad, LayoutRule::follow, kValueInputs | kPixelStrides,
                   plan_pad, {2, 4},    {{"mode", kString}}};

}  // namespace fastconv::graph
