// Errors and overflow-checked size arithmetic. Everything that validates uses these, so that every message has the
// form "what: rule, got value" and no product of sizes can wrap.
#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace fastconv {

// Thrown for an argument whose value breaks a rule (ValueError in Python).
class ValueError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Thrown for an argument of the wrong kind (TypeError in Python).
class TypeError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
[[noreturn]] void value_error(const Parts&... parts) {
  throw ValueError(concat(parts...));
}

inline int64_t checked_mul(int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_mul_overflow(a, b, &result)) value_error("size: ", a, " * ", b, " must fit in 63 bits");
  return result;
}

inline int64_t checked_add(int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_add_overflow(a, b, &result)) value_error("size: ", a, " + ", b, " must fit in 63 bits");
  return result;
}

inline constexpr int64_t ceil_div(int64_t a, int64_t b) {
  return a / b + (a % b > 0);  // a + b may not fit
}
inline constexpr int64_t round_up(int64_t a, int64_t b) {
  return ceil_div(a, b) * b;
}

}  // namespace fastconv
