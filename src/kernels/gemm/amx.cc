// Tap-GEMM for amx: the contract of gemm.h in tiles, whose rows the other instruction sets' kernels keep in vectors.
//
// A step multiplies up to 16 pairs of each row of two tiles of rows with as many rows of two tiles of weights, which
// lie side by side in the panel:
//
//                       w[k..k+16, 0..16)  w[k..k+16, 16..32)
//                             tile 6             tile 7
//   src[16 rows, k..k+16)
//           tile 4            tile 0             tile 1          sums, in float32
//           tile 5            tile 2             tile 3
//
// The shapes are set once a call, such that little is left over: 56 rows are four tiles of 14, 24 pairs two steps of
// 12. Where rows are left over, the last tile begins earlier and the rows it shares with the one before are stored
// once; where pairs are, the last step of a tap multiplies copies that end in zeros. A tile's sums are those of each
// row alone, so that rows may be split anyhow.
//
// Tiles are configured and released by each call: what other libraries do with them on this thread meets nothing of
// ours. Weights as [k / 16][column / 16][16][16] would load from lines one behind another; those of the panels that all
// kernels share lie two lines apart.
#include "simd/amx.h"
#include "simd/avx512.h"
#include "simd/math.h"

#include "kernels/gemm/gemm.h"
#include "kernels/store_tile.h"

namespace fastconv {
namespace {

using simd::Vec;

constexpr int kRows = simd::kTileRows;
constexpr int kPairs = simd::kTileRowBytes / sizeof(Bf16Pair);  // of a tile's row, which is a line
constexpr int kColumns = simd::kTileRowBytes / sizeof(float);
constexpr int kPanel = 2 * kColumns;
constexpr int64_t kWeightStride = kPanel * sizeof(Bf16Pair);  // bytes
static_assert(kColumns == Vec::kWidth && kPairs == Vec::kWidth);

int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
int64_t parts(int64_t count, int64_t most) {
  return (count + most - 1) / most;
}

// How a call's rows and pairs are cut: into tiles of `rows` rows and steps of `pairs` pairs, about equal.
struct Cut {
  int64_t tiles, rows, pairs;
  int64_t alignment = sizeof(Bf16Pair);  // bytes; rows of a tile that begin at multiples of it cross no line
  explicit Cut(const GemmBf16Args& a)
      : tiles(parts(a.m, kRows)), rows(parts(a.m, tiles)), pairs(a.k > 0 ? parts(a.k, parts(a.k, kPairs)) : 1) {
    while (alignment < bytes(pairs)) alignment *= 2;
  }

  static int64_t bytes(int64_t pairs) { return pairs * static_cast<int64_t>(sizeof(Bf16Pair)); }

  int64_t first_row(int64_t tile, int64_t m) const { return least(tile * rows, m - rows); }

  simd::TileConfig config() const {
    simd::TileConfig config;
    for (int t = 0; t < simd::kTiles; ++t) {
      config.rows[t] = static_cast<uint8_t>(t < 6 ? rows : pairs);
      config.row_bytes[t] = static_cast<uint16_t>(t == 4 || t == 5 ? bytes(pairs) : simd::kTileRowBytes);
    }
    return config;
  }
};

// What a step multiplies. Strides in bytes.
struct Step {
  const Bf16Pair* rows[2];
  int64_t row_stride;
  const Bf16Pair* weights;
};

// Lines loaded as float32 and stored: bits move, values do not matter.
void copy_pairs(const Bf16Pair* from, int64_t count, Bf16Pair* to) {
  simd::store(reinterpret_cast<float*>(to), simd::load_n(reinterpret_cast<const float*>(from), count));
}

// The steps of one or two tiles of rows, in the order of the sums: taps outside, pairs inside.
class Steps {
 public:
  // Fetches the weights that lie so many elements `ahead` of each step's; 0: none.
  Steps(const GemmBf16Args& a, const Cut& cut, const int64_t (&first)[2], int tiles, int64_t ahead)
      : a_(a), cut_(cut), first_(first), tiles_(tiles), ahead_(ahead) {}

  int64_t count() const { return a_.tap_count * parts(a_.k, cut_.pairs); }

  // Copies, where it must, to one of two places in turn: the step before may still be read.
  Step next() {
    const Bf16Pair* src = a_.src + a_.taps[tap_].src + k_;
    const int64_t pairs = least(cut_.pairs, a_.k - k_);
    Step step;
    step.weights = a_.weights + a_.taps[tap_].weights + k_ * kPanel;
    turn_ ^= 1;
    for (int t = 0; t < tiles_; ++t) step.rows[t] = src + first_[t] * a_.row_stride;
    step.row_stride = Cut::bytes(a_.row_stride);
    // A tile whose rows cross lines takes six times as long to load (measured on the prototype of costs.cc). Copies of
    // them do not.
    const auto address = reinterpret_cast<int64_t>(step.rows[0]);
    if (pairs < cut_.pairs || ((address | step.row_stride) & (cut_.alignment - 1))) copy_rows(pairs, step);
    if (ahead_) {
      for (int64_t j = 0; j < pairs * kPanel; j += kColumns) __builtin_prefetch(step.weights + ahead_ + j, 0, 2);
    }
    if (pairs < cut_.pairs) step.weights = copy_weights(step.weights, pairs);
    k_ += pairs;
    if (k_ == a_.k) {
      k_ = 0;
      ++tap_;
    }
    return step;
  }

 private:
  void copy_rows(int64_t pairs, Step& step) {
    for (int t = 0; t < tiles_; ++t) {
      Bf16Pair(*to)[kPairs] = copies_[turn_].rows[t];
      for (int64_t i = 0; i < cut_.rows; ++i) copy_pairs(step.rows[t] + i * a_.row_stride, pairs, to[i]);
      step.rows[t] = to[0];
    }
    step.row_stride = simd::kTileRowBytes;
  }

  // Zeros against zeros: a weight of the next tap might be Inf.
  const Bf16Pair* copy_weights(const Bf16Pair* weights, int64_t pairs) {
    Bf16Pair(*to)[kPanel] = copies_[turn_].weights;
    for (int64_t k = 0; k < cut_.pairs; ++k) {
      for (int j = 0; j < kPanel; j += kColumns) {
        copy_pairs(k < pairs ? weights + k * kPanel + j : weights, k < pairs ? kColumns : 0, to[k] + j);
      }
    }
    return to[0];
  }

  struct alignas(64) Copies {
    Bf16Pair rows[2][kRows][kPairs];
    Bf16Pair weights[kPairs][kPanel];
  };

  const GemmBf16Args& a_;
  const Cut& cut_;
  const int64_t (&first_)[2];
  const int tiles_;
  const int64_t ahead_;
  int64_t tap_ = 0, k_ = 0;
  int turn_ = 0;
  Copies copies_[2];
};

// T tiles of rows, N of columns. As generic.h's, the first block of a panel fetches the weights that come next. (It
// does not fetch a source: most often a conversion has just written it.)
template <int T, int N>
void sum_block(const GemmBf16Args& a, const Cut& cut, const int64_t (&first)[2], bool fetch, float (*sums)[kPanel]) {
  simd::tile_zero<0>();
  if constexpr (N > 1) simd::tile_zero<1>();
  if constexpr (T > 1) simd::tile_zero<2>();
  if constexpr (T > 1 && N > 1) simd::tile_zero<3>();
  Steps steps(a, cut, first, T, fetch ? a.fetch_ahead : 0);
  const int64_t count = steps.count();
  Step next{};
  if (count > 0) next = steps.next();
  float awake = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Step step = next;
    // What the next step copies is written while this one multiplies: tiles load only from stores that are done.
    if (i + 1 < count) next = steps.next();
    simd::tile_load<6>(step.weights, kWeightStride);
    simd::tile_load<4>(step.rows[0], step.row_stride);
    simd::tile_dot_bf16<0, 4, 6>();
    if constexpr (N > 1) {
      simd::tile_load<7>(step.weights + kColumns, kWeightStride);
      simd::tile_dot_bf16<1, 4, 7>();
    }
    if constexpr (T > 1) {
      simd::tile_load<5>(step.rows[1], step.row_stride);
      simd::tile_dot_bf16<2, 5, 6>();
      if constexpr (N > 1) simd::tile_dot_bf16<3, 5, 7>();
    }
    simd::stay_awake(awake);
  }
  constexpr int64_t kStride = kPanel * sizeof(float);
  simd::tile_store<0>(sums[0], kStride);
  if constexpr (N > 1) simd::tile_store<1>(sums[0] + kColumns, kStride);
  if constexpr (T > 1) simd::tile_store<2>(sums[kRows], kStride);
  if constexpr (T > 1 && N > 1) simd::tile_store<3>(sums[kRows] + kColumns, kStride);
}

// The epilogue of a tile's rows [skip, rows), a few vectors at a time.
template <int N>
void store_rows(const GemmBf16Args& a, const float (*sums)[kPanel], int64_t first, int64_t skip, int64_t rows) {
  constexpr int kTogether = 8;
  for (int64_t begin = skip; begin < rows; begin += kTogether) {
    const int64_t count = least(rows - begin, kTogether);
    Vec acc[kTogether][N];
    for (int i = 0; i < kTogether; ++i) {
      for (int j = 0; j < N; ++j) acc[i][j] = i < count ? simd::load(sums[begin + i] + j * kColumns) : simd::zero();
    }
    Epilogue epilogue = a.epilogue;
    if (epilogue.residual) epilogue.residual += (first + begin) * epilogue.residual_stride;
    float* dst = a.dst + (first + begin) * a.dst_stride;
    const int64_t last = a.n - (N - 1) * kColumns;
    if (last == kColumns) {
      store_tile<false>(acc, epilogue, dst, a.dst_stride, count, last);
    } else {
      store_tile<true>(acc, epilogue, dst, a.dst_stride, count, last);
    }
  }
}

template <int N>
void run(const GemmBf16Args& a) {
  const Cut cut(a);
  const simd::TileConfig config = cut.config();
  simd::tile_configure(config);
  alignas(64) float sums[2 * kRows][kPanel];
  int64_t done = 0;  // rows
  for (int64_t tile = 0; tile < cut.tiles; tile += 2) {
    const int64_t first[2] = {cut.first_row(tile, a.m), cut.first_row(tile + 1, a.m)};
    const int tiles = tile + 1 < cut.tiles ? 2 : 1;
    const bool fetch = tile == 0 && a.fetch_ahead;
    const int64_t begun = done, end = first[tiles - 1] + cut.rows;
    if (a.epilogue.residual) {  // as in generic.h: it may come from memory
      for (int64_t i = begun; i < end; ++i) __builtin_prefetch(a.epilogue.residual + i * a.epilogue.residual_stride);
    }
    if (tiles == 2) {
      sum_block<2, N>(a, cut, first, fetch, sums);
    } else {
      sum_block<1, N>(a, cut, first, fetch, sums);
    }
    for (int t = 0; t < tiles; ++t) {
      store_rows<N>(a, sums + t * kRows, first[t], done - first[t], cut.rows);
      done = first[t] + cut.rows;
    }
    apply_rows(a.epilogue.call, a.dst + begun * a.dst_stride, a.dst_stride, end - begun, a.n);
  }
  simd::tile_release();
}

}  // namespace

void gemm_bf16_32x32__amx(const GemmBf16Args& args) {
  if (args.m == 0) return;
  if (args.n <= kColumns) return run<1>(args);
  if (args.n <= kPanel) return run<2>(args);
  // The vector behind a panel by itself: three tiles across would leave no room for a second one of rows.
  GemmBf16Args panel = args, behind = args;
  panel.n = kPanel;
  run<2>(panel);
  behind.n -= kPanel;
  behind.weights += args.panel_stride;
  behind.dst += kPanel;
  if (args.epilogue.bias) behind.epilogue.bias += kPanel;
  if (args.epilogue.residual) behind.epilogue.residual += kPanel;
  behind.fetch_ahead = 0;
  run<1>(behind);
}

}  // namespace fastconv
