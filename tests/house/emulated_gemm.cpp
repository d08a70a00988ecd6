// Tap-GEMM for amx on emulated tiles, beside plain sums: every kind of edge, operands that end or begin at unreadable
// pages, and NaN in all memory that is not an operand's. Built and run by test_emulation.py. Numbers are small integers
// and now and then an Inf, so that sums are exact in any order.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/gemm/gemm.h"

namespace fastconv {
GemmBf16Fn gemm_bf16_32x32__amx;
}

namespace {

using namespace fastconv;

constexpr int64_t kPanel = 32;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::mt19937 rng(1);
int64_t random(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng() % static_cast<uint64_t>(high - low + 1));
}
template <class T>
T one_of(std::initializer_list<T> values) {
  return values.begin()[random(0, static_cast<int64_t>(values.size()) - 1)];
}

void fill(float* p, int64_t count) {
  std::fill(p, p + count, kNan);
}
void fill(Bf16Pair* p, int64_t count) {
  std::fill(p, p + count, Bf16Pair{0x7FC0, 0x7FC0});
}

// NaN between two pages that cannot be touched, against the one before or the one after.
template <class T>
class Guarded {
 public:
  Guarded(int64_t count, bool at_end) {
    const int64_t page = getpagesize(), bytes = count * static_cast<int64_t>(sizeof(T));
    inner_ = (bytes + page - 1) / page * page;
    whole_ = static_cast<char*>(
        mmap(nullptr, static_cast<size_t>(inner_ + 2 * page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(whole_ + page, static_cast<size_t>(inner_), PROT_READ | PROT_WRITE);
    data_ = reinterpret_cast<T*>(whole_ + page + (at_end ? inner_ - bytes : 0));
    fill(data_, count);
  }
  ~Guarded() { munmap(whole_, static_cast<size_t>(inner_ + 2 * getpagesize())); }
  Guarded(const Guarded&) = delete;
  T& operator[](int64_t i) { return data_[i]; }
  T* data() { return data_; }

 private:
  char* whole_;
  int64_t inner_;
  T* data_;
};

float small() {
  return static_cast<float>(random(-3, 3));
}
Bf16Pair small_pair() {
  return {to_bf16(small()), to_bf16(small())};
}
float product(Bf16Pair a, Bf16Pair b) {
  return from_bf16(a.even) * from_bf16(b.even) + from_bf16(a.odd) * from_bf16(b.odd);
}

struct Case {
  int64_t m, n, k, taps, row_stride;
  bool at_end, bias, residual, in_place;
  FunctionCall call;
};

Case random_case() {
  Case c;
  c.m = one_of<int64_t>({random(1, 16), random(17, 32), random(33, 100), 7, 14, 28, 56, 241});
  c.n = one_of<int64_t>({32, 16, 48, random(1, 31), random(33, 47)});
  c.k = one_of<int64_t>({random(0, 15), 8, 16, random(17, 70), 32, 14});
  c.taps = one_of<int64_t>({0, 1, 2, 9});
  c.row_stride = one_of<int64_t>({c.k, 2 * c.k, c.k + random(0, 5), random(1, c.k + 1), 16 * ((c.k + 15) / 16)});
  c.at_end = random(0, 1);
  c.bias = random(0, 1);
  c.residual = random(0, 1);
  c.in_place = random(0, 1);
  c.call = one_of<FunctionCall>({{}, kRelu, {Function::neg}});
  return c;
}

bool right(const Case& c) {
  // Taps in any order, with NaN rows of weights between them and NaN between rows of the source that no tap reads.
  std::vector<Tap> taps;
  int64_t src_size = 0, weights_size = 0;
  for (int64_t t = 0; t < c.taps; ++t) {
    weights_size += t > 0 ? random(0, 3) * kPanel : 0;
    taps.push_back({random(0, 200), weights_size});
    weights_size += c.k * kPanel;
    src_size = std::max(src_size, taps.back().src + (c.m - 1) * c.row_stride + c.k);
  }
  // The vector behind the panel is the first of the next.
  const int64_t panel_stride = weights_size + random(0, 3) * 16,
                all_weights = weights_size + (c.n > kPanel) * panel_stride;
  Guarded<Bf16Pair> src(src_size, c.at_end), weights(all_weights, c.at_end);
  const auto weight = [&](const Tap& tap, int64_t k, int64_t j) -> Bf16Pair& {
    return weights[tap.weights + k * kPanel + j / kPanel * panel_stride + j % kPanel];
  };
  for (const Tap& tap : taps) {
    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t k = 0; k < c.k; ++k) src[tap.src + i * c.row_stride + k] = small_pair();
    }
    for (int64_t k = 0; k < c.k; ++k) {
      const int64_t packed = c.n > kPanel ? 2 * kPanel : kPanel;
      for (int64_t j = 0; j < packed; ++j) weight(tap, k, j) = j < c.n ? small_pair() : Bf16Pair{};
    }
  }
  if (c.taps > 0 && c.k > 0 && random(0, 3) == 0) {
    weight(taps[0], random(0, c.k - 1), random(0, c.n - 1)).odd = 0x7F80;  // Inf
  }
  const int64_t stride = c.n + random(0, 9), size = (c.m - 1) * stride + c.n;
  Guarded<float> bias(c.n, c.at_end), residual(size, c.at_end), dst(size, c.at_end);
  float* added = c.in_place ? dst.data() : residual.data();
  for (int64_t j = 0; j < c.n; ++j) bias[j] = small();
  std::vector<float> want(static_cast<size_t>(size), kNan);
  for (int64_t i = 0; i < c.m; ++i) {
    for (int64_t j = 0; j < c.n; ++j) {
      float sum = c.bias ? bias[j] : 0;
      if (c.residual) sum += added[i * stride + j] = small();
      for (const Tap& tap : taps) {
        for (int64_t k = 0; k < c.k; ++k) {
          sum += product(src[tap.src + i * c.row_stride + k], weight(tap, k, j));
        }
      }
      if (c.call == kRelu && sum < 0) sum = 0;
      if (c.call.function == Function::neg) sum = -sum;
      want[static_cast<size_t>(i * stride + j)] = sum;
    }
  }
  GemmBf16Args args{};
  args.src = src.data();
  args.row_stride = c.row_stride;
  args.taps = taps.data();
  args.tap_count = c.taps;
  args.k = c.k;
  args.weights = weights.data();
  args.panel_stride = panel_stride;
  args.m = c.m;
  args.n = c.n;
  args.dst = dst.data();
  args.dst_stride = stride;
  args.epilogue.bias = c.bias ? bias.data() : nullptr;
  args.epilogue.residual = c.residual ? added : nullptr;
  args.epilogue.residual_stride = stride;
  args.epilogue.call = c.call;
  args.fetch_ahead = one_of<int64_t>({0, 1 << 14});
  gemm_bf16_32x32__amx(args);
  for (int64_t i = 0; i < size; ++i) {
    const float a = dst[i], b = want[static_cast<size_t>(i)];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    std::printf("m %ld n %ld k %ld taps %ld row_stride %ld: row %ld, column %ld is %g, must be %g\n", c.m, c.n, c.k,
                c.taps, c.row_stride, i / stride, i % stride, a, b);
    return false;
  }
  return true;
}

// Each row alone, and each part of the rows, has the bits that it has among all.
bool rows_may_be_split() {
  constexpr int64_t kRows = 75, k = 45, kTaps = 3;
  std::normal_distribution<float> normal;
  std::vector<Bf16Pair> src((kRows + kTaps) * k), all_weights(kTaps * k * kPanel + 16);
  Bf16Pair* weights = all_weights.data();
  while (reinterpret_cast<uintptr_t>(weights) % 64) ++weights;
  for (Bf16Pair& pair : src) pair = {to_bf16(normal(rng)), to_bf16(normal(rng))};
  for (int64_t i = 0; i < kTaps * k * kPanel; ++i) weights[i] = {to_bf16(normal(rng)), to_bf16(normal(rng))};
  std::vector<Tap> taps;
  for (int64_t t = 0; t < kTaps; ++t) taps.push_back({t * k, t * k * kPanel});
  std::vector<float> whole(kRows * kPanel);
  GemmBf16Args args{};
  args.src = src.data();
  args.row_stride = args.k = k;
  args.taps = taps.data();
  args.tap_count = kTaps;
  args.weights = weights;
  args.m = kRows;
  args.n = args.dst_stride = kPanel;
  args.dst = whole.data();
  gemm_bf16_32x32__amx(args);
  for (const int64_t step : {1, 7, 16, 31, 33, 74}) {
    std::vector<float> part(kRows * kPanel);
    for (int64_t row = 0; row < kRows; row += step) {
      GemmBf16Args some = args;
      some.src += row * k;
      some.dst = part.data() + row * kPanel;
      some.m = std::min(step, kRows - row);
      gemm_bf16_32x32__amx(some);
    }
    if (std::memcmp(part.data(), whole.data(), whole.size() * sizeof(float)) != 0) {
      std::printf("parts of %ld rows differ from the whole\n", step);
      return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  for (int i = 0; i < 2000; ++i) {
    if (!right(random_case())) return 1;
  }
  if (!rows_may_be_split()) return 1;
  std::puts("right");
  return 0;
}
