// Element types of tensors. float32 is what convolutions compute in; the integers carry shapes, indices and masks.
#pragma once

#include <cstdint>

namespace fastconv {

enum class DType : uint8_t { f32, f64, i64, i32, u8, i8, b8 };

inline constexpr int64_t size_of(DType type) {
  switch (type) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::u8:
    case DType::i8:
    case DType::b8:
      return 1;
  }
  return 0;
}

// NumPy's names.
inline constexpr const char* dtype_name(DType type) {
  constexpr const char* kNames[] = {"float32", "float64", "int64", "int32", "uint8", "int8", "bool"};
  return kNames[static_cast<int>(type)];
}

}  // namespace fastconv
