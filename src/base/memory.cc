#include "base/memory.h"

#include <atomic>
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

// The first touch of a huge page clears it, which takes some 0.2 ms. On a virtual machine whose host takes free memory
// back it takes 2 ms where the host must find the page again, ten times what 4 KiB pages cost there, and sessions were
// created half as fast (decisions 18 and 29). That may begin with any page: the last ones a process gave back are
// quick. So the pages are touched here, a few at a time, until one lot is slow; from then on there are no more of them.
constexpr int kLot = 4;
constexpr std::chrono::microseconds kQuick{600};  // each
std::atomic<bool> pages_are_quick{true};

// Touches huge pages from `begin` on while they come quickly, and gives where it stopped.
uintptr_t touch(uintptr_t begin, uintptr_t end) noexcept {
  while (begin < end && pages_are_quick.load(std::memory_order_relaxed)) {
    const auto start = std::chrono::steady_clock::now();
    int touched = 0;
    for (; touched < kLot && begin < end; ++touched, begin += kHugePage) *reinterpret_cast<volatile char*>(begin) = 0;
    if (std::chrono::steady_clock::now() - start > touched * kQuick) pages_are_quick = false;
  }
  return begin;
}

}  // namespace

void prefer_huge_pages(void* data, int64_t bytes) noexcept {
  constexpr int64_t kLarge = 2 * kHugePage;
  if (bytes < kLarge || !pages_are_quick.load(std::memory_order_relaxed)) return;
  const uintptr_t begin = next_huge_page(data);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + static_cast<uintptr_t>(bytes)) / kHugePage * kHugePage;
  if (begin >= end || madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE) != 0) return;
  const uintptr_t rest = touch(begin, end);
  if (rest < end) madvise(reinterpret_cast<void*>(rest), end - rest, MADV_NOHUGEPAGE);
}

#else

void prefer_huge_pages(void*, int64_t) noexcept {}

#endif

}  // namespace fastconv
