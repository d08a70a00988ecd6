// New arrays for results.
#pragma once

#include <pybind11/numpy.h>

#include <vector>

#include "base/checks.h"
#include "base/memory.h"

namespace fastconv::python {

namespace py = pybind11;

// Uninitialised. Large ones begin at a cache line, as NumPy's own do not: outputs beyond the caches are written past
// them by whole lines (kernels/epilogue.h), and others without touching two lines for each vector.
inline py::array new_array(const py::dtype& dtype, const std::vector<py::ssize_t>& shape) {
  constexpr int64_t kLarge = 1 << 16;
  int64_t bytes = dtype.itemsize();
  for (const py::ssize_t extent : shape) bytes = checked_mul(bytes, extent);
  if (bytes < kLarge) return {dtype, shape};
  constexpr auto kLine = static_cast<uintptr_t>(kAlignment);
  py::array_t<uint8_t> memory(checked_add(bytes, static_cast<int64_t>(kLine)));
  uint8_t* const begin = memory.mutable_data();
  uint8_t* const line = begin + (kLine - reinterpret_cast<uintptr_t>(begin) % kLine) % kLine;
  return {dtype, shape, line, memory};
}

}  // namespace fastconv::python
