#include "base/tile_permission.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/checks.h"
#endif

namespace fastconv {

#if defined(__linux__) && defined(__x86_64__)

std::string ask_for_tiles() {
  constexpr long kGetPermission = 0x1022, kRequestPermission = 0x1023;  // ARCH_GET_XCOMP_PERM, ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;                                        // XFEATURE_XTILEDATA
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0) {
    const int error = errno;
    // What a signal handler finds of the tiles must fit on every thread's alternative stack.
    const char* why = error == ENOSPC ? " (a thread's signal stack is too small)" : "";
    return concat("arch_prctl(ARCH_REQ_XCOMP_PERM): ", std::generic_category().message(error), why);
  }
  // A sandbox may answer for the kernel.
  uint64_t granted = 0;
  if (syscall(SYS_arch_prctl, kGetPermission, &granted) != 0 || !(granted >> kTileData & 1)) {
    return "arch_prctl(ARCH_REQ_XCOMP_PERM): answered, but nothing was granted";
  }
  return {};
}

#else

std::string ask_for_tiles() {
  return "AMX is used on Linux only";
}

#endif

}  // namespace fastconv
