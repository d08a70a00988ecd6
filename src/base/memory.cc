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

// Touches huge pages from `begin` on while they come quickly, and gives where it stopped. The first touch clears a
// page, which takes some 0.2 ms. On a virtual machine whose host takes free memory back it takes 2 ms where the host
// must find the page again, ten times what 4 KiB pages cost there, and sessions were created half as fast (decisions 18
// and 29). Any page may be the first of those, so it is seen page by page; and each array sees for itself: what the
// last one gave back is quick again, as results that are made on each call need it.
uintptr_t touch(uintptr_t begin, uintptr_t end) noexcept {
  constexpr int kLot = 2;
  constexpr std::chrono::microseconds kQuick{600};  // each
  for (bool quick = true; quick && begin < end;) {
    const auto start = std::chrono::steady_clock::now();
    int touched = 0;
    for (; touched < kLot && begin < end; ++touched, begin += kHugePage) *reinterpret_cast<volatile char*>(begin) = 0;
    quick = std::chrono::steady_clock::now() - start <= touched * kQuick;
  }
  return begin;
}

}  // namespace

void prefer_huge_pages(void* data, int64_t bytes) noexcept {
  constexpr int64_t kLarge = 2 * kHugePage;
  if (bytes < kLarge) return;
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
