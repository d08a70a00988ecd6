// AMX on a processor without it: the functions of src/simd/amx.h on tiles in memory, so that tests can run every AMX
// row anywhere. Only a build with FASTCONV_EMULATE_AMX (cmake/isa.cmake) has it, ahead of those kernels. The meanings
// are those of Intel's manual; what would be a fault there ends the process here, and so does a kernel that configures
// tiles while others are: it did not release them.
#pragma once

#define FASTCONV_EMULATED_AMX

#include <xmmintrin.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "simd/amx.h"

namespace fastconv::simd {
namespace {

struct TileFile {
  bool configured;
  TileConfig config;
  uint8_t data[kTiles][kTileRows][kTileRowBytes];
};
thread_local TileFile tile_file{};

inline void tile_check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "emulated AMX: %s\n", what);
  std::abort();
}

inline void tile_configure(const TileConfig& c) {
  TileFile& f = tile_file;
  tile_check(!f.configured, "tiles are configured before those in use are released");
  tile_check(c.palette == 1 && c.start_row == 0, "palette or start row");
  for (const uint8_t reserved : c.reserved) tile_check(reserved == 0, "reserved bytes");
  for (int t = 0; t < 16; ++t) {
    tile_check(c.rows[t] <= kTileRows && c.row_bytes[t] <= kTileRowBytes, "a tile is too large");
    tile_check((c.rows[t] == 0) == (c.row_bytes[t] == 0), "a tile has rows and no bytes, or bytes and no rows");
    tile_check(t < kTiles || c.rows[t] == 0, "there are eight tiles");
  }
  f.config = c;
  std::memset(f.data, 0, sizeof f.data);
  f.configured = true;
}
inline void tile_release() {
  tile_file.configured = false;
}

inline void tile_check_used(int t) {
  tile_check(tile_file.configured && tile_file.config.rows[t] > 0, "a tile that is not configured");
}

template <int T>
inline void tile_zero() {
  tile_check_used(T);
  std::memset(tile_file.data[T], 0, sizeof tile_file.data[T]);
}
template <int T>
inline void tile_load(const void* p, int64_t stride) {
  tile_check_used(T);
  TileFile& f = tile_file;
  std::memset(f.data[T], 0, sizeof f.data[T]);
  for (int row = 0; row < f.config.rows[T]; ++row) {
    std::memcpy(f.data[T][row], static_cast<const uint8_t*>(p) + row * stride, f.config.row_bytes[T]);
  }
}
template <int T>
inline void tile_store(void* p, int64_t stride) {
  tile_check_used(T);
  const TileFile& f = tile_file;
  for (int row = 0; row < f.config.rows[T]; ++row) {
    std::memcpy(static_cast<uint8_t*>(p) + row * stride, f.data[T][row], f.config.row_bytes[T]);
  }
}

// One row of a product: the even values of all pairs are summed from zero, and the odd ones; then c has both.
__attribute__((noinline)) void tile_dot_row(float* c, const uint32_t* a, const uint8_t (*b)[kTileRowBytes], int pairs) {
  const auto number = [](uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  };
  float even[16] = {}, odd[16] = {};
  for (int k = 0; k < pairs; ++k) {
    uint32_t row[16];
    std::memcpy(row, b[k], sizeof row);
    for (int n = 0; n < 16; ++n) even[n] = __builtin_fmaf(number(a[k] << 16), number(row[n] << 16), even[n]);
    for (int n = 0; n < 16; ++n) {
      odd[n] = __builtin_fmaf(number(a[k] & 0xFFFF0000u), number(row[n] & 0xFFFF0000u), odd[n]);
    }
  }
  for (int n = 0; n < 16; ++n) c[n] += even[n] + odd[n];
}

template <int C, int A, int B>
inline void tile_dot_bf16() {
  tile_check_used(A);
  tile_check_used(B);
  tile_check_used(C);
  TileFile& f = tile_file;
  const TileConfig& config = f.config;
  static_assert(C != A && C != B && A != B);
  tile_check(config.row_bytes[C] % 4 == 0 && config.row_bytes[A] % 4 == 0 && config.row_bytes[B] % 4 == 0,
             "rows that are no whole floats or pairs");
  tile_check(config.rows[C] == config.rows[A] && config.row_bytes[A] / 4 == config.rows[B] &&
                 config.row_bytes[C] == config.row_bytes[B],
             "shapes that do not multiply");
  const unsigned flags = _mm_getcsr();
  constexpr unsigned kAllMasked = 0x1F80, kFlushResults = 0x8000, kDenormalsAreZeros = 0x0040;
  _mm_setcsr(kAllMasked | kFlushResults | kDenormalsAreZeros);
  for (int row = 0; row < config.rows[C]; ++row) {
    float c[16];
    uint32_t a[16];
    std::memcpy(c, f.data[C][row], sizeof c);
    std::memcpy(a, f.data[A][row], sizeof a);
    tile_dot_row(c, a, f.data[B], config.row_bytes[A] / 4);
    std::memcpy(f.data[C][row], c, config.row_bytes[C]);
  }
  _mm_setcsr(flags);
}

inline void stay_awake(float&) {}

}  // namespace
}  // namespace fastconv::simd
