// bfloat16: the upper half of a float32. It comes in pairs, as the processors' dot products take it: one lane of 32
// bits holds two neighbouring values, and a product of two lanes is the sum of two products. A float32 can be split in
// pieces of it, whose products sum to that of the floats.
#pragma once

#include <cstdint>
#include <cstring>

namespace fastconv {

struct Bf16Pair {
  uint16_t even, odd;
};

namespace {

inline float from_bf16(uint16_t x) {
  const uint32_t bits = uint32_t{x} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// To the nearest, ties to even. A finite value stays finite, Inf stays Inf, NaN stays NaN, and what is too small to be
// normal becomes zero, as the processors' own conversion has it.
inline uint16_t to_bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const uint32_t magnitude = bits & 0x7FFFFFFF, sign = bits >> 16 & 0x8000;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  if (magnitude == 0x7F800000) return static_cast<uint16_t>(bits >> 16);
  if (magnitude < 0x00800000) return static_cast<uint16_t>(sign);
  const uint32_t rounded = (magnitude + 0x7FFF + (magnitude >> 16 & 1)) >> 16;
  return static_cast<uint16_t>(sign | (rounded < 0x7F80 ? rounded : 0x7F7F));
}

// The most pieces of a float: three of 8 bits hold its 24.
constexpr int kMostPieces = 3;
// The second piece of the largest floats is held to the largest bfloat16 below 2^120: rounded up, the sum of both would
// be Inf.
constexpr float kMostLeft = 0x1.FEp119f;

// A float as a sum of bfloat16, written to to[0, pieces): the first is the float rounded, each other what is left,
// rounded. Three leave nothing, unless it is too small for a normal number. Inf and NaN are in the first alone.
inline void split_bf16(float x, int pieces, uint16_t* to) {
  to[0] = to_bf16(x);
  for (int i = 1; i < pieces; ++i) {
    x -= from_bf16(to[i - 1]);
    if (x != x) x = 0.0f;
    to[i] = to_bf16(x > kMostLeft ? kMostLeft : x < -kMostLeft ? -kMostLeft : x);
  }
}

}  // namespace
}  // namespace fastconv
