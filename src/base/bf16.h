// bfloat16: the upper half of a float32. It comes in pairs, as the processors' dot products take it: one lane of 32
// bits holds two neighbouring values, and a product of two lanes is the sum of two products.
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

}  // namespace
}  // namespace fastconv
