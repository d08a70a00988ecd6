// The tiles of AMX: eight registers, each of up to 16 rows of 64 bytes, and the instructions on them. Included by the
// kernel files of amx only. Tiles are reached by number and are nobody's but the kernel's between tile_configure and
// tile_release, which are in one function: then neither other libraries' tiles nor ours outlive a call.
//
// Assembler, since GCC 12's intrinsics let memory accesses move across them and take 8 of a configuration's 64 bytes
// for all that is read. Operands are in AT&T's order: the destination comes last.
#pragma once

#include <cstdint>

namespace fastconv::simd {
namespace {

inline constexpr int kTiles = 8, kTileRows = 16, kTileRowBytes = 64;

// As the processor reads it. A tile that is not used has neither rows nor bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

#if !defined(FASTCONV_EMULATED_AMX)  // tests/emulated_amx.h

// Sets the shapes; all tiles are zero then.
inline void tile_configure(const TileConfig& config) {
  __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory");
}
// Back to no tiles: a thread's state is small again, and the next one to configure finds nothing of ours.
inline void tile_release() {
  __asm__ volatile("tilerelease" : : : "memory");
}
template <int T>
inline void tile_zero() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(T));
}
// The tile's rows lie `stride` bytes apart; no more than its shape is read or written.
template <int T>
inline void tile_load(const void* p, int64_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(T) : "memory");
}
template <int T>
inline void tile_store(void* p, int64_t stride) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(T) : "memory");
}
// C[m][n] += sum over pairs k: A[m][k] . B[k][n], of bfloat16 with float32 sums. Denormals are zeros, to the nearest,
// whatever the caller's flags say.
template <int C, int A, int B>
inline void tile_dot_bf16() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}
// An operation on a vector of floats, which keeps their unit awake: after 0.6 us without one, a tile_store took 0.27 us
// on a Xeon of Sapphire Rapids' kind.
inline void stay_awake(float& x) {
  __asm__ volatile("vmaxps %0, %0, %0" : "+x"(x));
}

#endif

}  // namespace
}  // namespace fastconv::simd
