#include "base/memory.h"

#include <chrono>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace fastconv {

#if defined(__linux__) && defined(MADV_HUGEPAGE)

namespace {

constexpr uintptr_t kHugePage = 2 << 20;

uintptr_t next_huge_page(const void* p) {
  return (reinterpret_cast<uintptr_t>(p) + kHugePage - 1) / kHugePage * kHugePage;
}

// A first touch clears a huge page, which takes some 0.2 ms. On a virtual machine whose host takes free memory back it
// takes 2 ms, ten times what 4 KiB pages cost there, and sessions were created half as fast (decision 18).
bool huge_pages_are_quick() noexcept {
  constexpr int kTouched = 4;
  constexpr std::chrono::microseconds kQuick{600};  // each
  constexpr size_t kBytes = (kTouched + 1) * kHugePage;
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  bool quick = false;
  if (madvise(memory, kBytes, MADV_HUGEPAGE) == 0) {
    const auto begin = std::chrono::steady_clock::now();
    auto* const first = reinterpret_cast<volatile char*>(next_huge_page(memory));
    for (int i = 0; i < kTouched; ++i) first[i * kHugePage] = 1;
    quick = std::chrono::steady_clock::now() - begin < kTouched * kQuick;
  }
  munmap(memory, kBytes);
  return quick;
}

}  // namespace

void prefer_huge_pages(void* data, int64_t bytes) noexcept {
  constexpr int64_t kLarge = 2 * kHugePage;
  if (bytes < kLarge) return;
  static const bool quick = huge_pages_are_quick();
  if (!quick) return;
  const uintptr_t begin = next_huge_page(data);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + static_cast<uintptr_t>(bytes)) / kHugePage * kHugePage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

#else

void prefer_huge_pages(void*, int64_t) noexcept {}

#endif

}  // namespace fastconv
