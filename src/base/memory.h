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
  void operator()(void* p) const { ::operator delete(p, std::align_val_t{kAlignment}); }
};

// Asks for huge pages below a large new array, where the machine gives them quickly: weights are streamed from end to
// end, and 4 KiB pages cost VGG-16 5 % and AlexNet 11 % of a run.
void prefer_huge_pages(void* data, int64_t bytes) noexcept;

// An owned, uninitialised, aligned array of T (a POD).
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(int64_t count) : size_(count) {
    const int64_t bytes = checked_mul(count, static_cast<int64_t>(sizeof(T)));
    data_.reset(static_cast<T*>(::operator new(static_cast<size_t>(bytes), std::align_val_t{kAlignment})));
    prefer_huge_pages(data_.get(), bytes);
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
