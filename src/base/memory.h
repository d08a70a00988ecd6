// Aligned memory. Buffers are 64-byte aligned (a cache line, a ZMM register) and their allocation failure is
// std::bad_alloc (MemoryError in Python).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "base/checks.h"

namespace fastconv {

inline constexpr size_t kAlignment = 64;

struct AlignedFree {
  std::align_val_t alignment{kAlignment};
  void operator()(void* p) const { ::operator delete(p, alignment); }
};

// On kAlignment at least; in huge pages where it is large and the system gives some. Throws std::bad_alloc.
std::unique_ptr<void, AlignedFree> allocate_aligned(int64_t bytes);

// An owned, uninitialised, aligned array of T (a POD).
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(int64_t count) : size_(count) {
    auto memory = allocate_aligned(checked_mul(count, static_cast<int64_t>(sizeof(T))));
    const AlignedFree free = memory.get_deleter();
    data_ = {static_cast<T*>(memory.release()), free};
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_.get()[i]; }
  const T& operator[](int64_t i) const { return data_.get()[i]; }

 private:
  std::unique_ptr<T, AlignedFree> data_;
  int64_t size_ = 0;
};

}  // namespace fastconv
