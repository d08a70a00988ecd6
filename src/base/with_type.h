// From a DType to the C++ type it names.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace fastconv {

// body.template operator()<T>() with the type of `type`'s elements.
template <class Body>
auto with_type(DType type, const Body& body) {
  switch (type) {
    case DType::f32:
      break;
    case DType::f64:
      return body.template operator()<double>();
    case DType::i64:
      return body.template operator()<int64_t>();
    case DType::i32:
      return body.template operator()<int32_t>();
    case DType::u8:
      return body.template operator()<uint8_t>();
    case DType::i8:
      return body.template operator()<int8_t>();
    case DType::b8:
      return body.template operator()<bool>();
  }
  return body.template operator()<float>();
}

}  // namespace fastconv
