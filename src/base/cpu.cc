// CPU detection: CPUID bits, OSXSAVE and XCR0 on x86-64; elsewhere the portable code is all there is.
#include "base/cpu.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "base/checks.h"
#include "base/tile_permission.h"

#if defined(FASTCONV_X86)
#include <cpuid.h>
#endif

namespace fastconv {
namespace {

constexpr const char* kIsaNames[kIsaCount] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};

int64_t cache_bytes(int sysconf_name, int64_t otherwise) {
  const long bytes = sysconf(sysconf_name);
  return bytes > 0 ? bytes : otherwise;
}

#if defined(FASTCONV_X86)

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

uint64_t xcr0() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

std::string brand_string() {
  char text[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    const unsigned words[4] = {r.eax, r.ebx, r.ecx, r.edx};
    std::memcpy(text + 16 * i, words, 16);
  }
  return text;
}

// No bit tells how far a cache is. AMD's Zen has a third one for each complex of at most sixteen cores; Intel's server
// processors have one for all, on a mesh.
bool has_near_l3() {
  const Registers vendor = cpuid(0);
  constexpr unsigned kAmd = 0x68747541;  // "Auth"enticAMD
  return vendor.ebx == kAmd;
}

void detect(CpuInfo& info) {
  info.brand = brand_string();
  info.near_l3 = has_near_l3();
  const Registers leaf1 = cpuid(1), leaf7 = cpuid(7), leaf71 = cpuid(7, 1);
  const bool osxsave = leaf1.ecx >> 27 & 1;
  const uint64_t enabled = osxsave ? xcr0() : 0;
  const bool os_ymm = (enabled & 0x6) == 0x6;          // SSE and AVX state saved by the operating system
  const bool os_zmm = (enabled & 0xE6) == 0xE6;        // and opmask, upper ZMM
  const bool os_tmm = (enabled & 0x60000) == 0x60000;  // and AMX tiles
  const struct {
    const char* name;
    bool present;
  } bits[] = {
      {"avx", os_ymm && (leaf1.ecx >> 28 & 1)},        {"avx2", os_ymm && (leaf7.ebx >> 5 & 1)},
      {"fma", os_ymm && (leaf1.ecx >> 12 & 1)},        {"avx512f", os_zmm && (leaf7.ebx >> 16 & 1)},
      {"avx512dq", os_zmm && (leaf7.ebx >> 17 & 1)},   {"avx512bw", os_zmm && (leaf7.ebx >> 30 & 1)},
      {"avx512vl", os_zmm && (leaf7.ebx >> 31 & 1)},   {"avx512vnni", os_zmm && (leaf7.ecx >> 11 & 1)},
      {"avx512bf16", os_zmm && (leaf71.eax >> 5 & 1)}, {"avx512fp16", os_zmm && (leaf7.edx >> 23 & 1)},
      {"amx_tile", os_tmm && (leaf7.edx >> 24 & 1)},   {"amx_int8", os_tmm && (leaf7.edx >> 25 & 1)},
      {"amx_bf16", os_tmm && (leaf7.edx >> 22 & 1)},
  };
  for (const auto& bit : bits) {
    if (bit.present) info.features.emplace_back(bit.name);
  }
  info.best = best_isa(info.features, ask_for_tiles, info.amx_refused);
#if defined(FASTCONV_EMULATE_AVX512)
  if (info.best >= Isa::avx2) {
    info.features.emplace_back("avx512_emulated");
    info.best = std::max(info.best, Isa::avx512bf16);
  }
#endif
#if defined(FASTCONV_EMULATE_AMX)
  if (info.best >= Isa::avx512bf16) {
    info.features.emplace_back("amx_emulated");
    info.best = Isa::amx;
    info.amx_refused.clear();
  }
#endif
}

#else

void detect(CpuInfo& info) {
  info.brand = "unknown";
}

#endif

std::atomic<int> chosen_isa{-1};

}  // namespace

const char* isa_name(Isa isa) {
  return kIsaNames[static_cast<int>(isa)];
}

Isa parse_isa(const std::string& name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (name == kIsaNames[i]) return static_cast<Isa>(i);
  }
  value_error("FASTCONV_ISA: must be one of scalar, avx2, avx512, avx512bf16, amx, got ", name);
}

Isa best_isa(const std::vector<std::string>& features, std::string (*ask_for_amx)(), std::string& refused) {
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(), [&](const char* name) {
      return std::find(features.begin(), features.end(), name) != features.end();
    });
  };
  refused.clear();
  if (!has({"avx2", "fma"})) return Isa::scalar;
  if (!has({"avx512f", "avx512dq", "avx512bw", "avx512vl"})) return Isa::avx2;
  if (!has({"avx512bf16"})) return Isa::avx512;
  if (!has({"amx_tile", "amx_bf16"})) return Isa::avx512bf16;
  refused = ask_for_amx();
  return refused.empty() ? Isa::amx : Isa::avx512bf16;
}

const CpuInfo& cpu_info() {
  static const CpuInfo info = [] {
    CpuInfo found;
    detect(found);
    found.l1d_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, found.l1d_bytes);
    found.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, found.l2_bytes);
    found.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, found.l3_bytes);
    return found;
  }();
  return info;
}

void set_active_isa(Isa isa) {
  if (isa > cpu_info().best) {
    const std::string& refused = cpu_info().amx_refused;
    value_error("FASTCONV_ISA: must be one this processor has (best: ", isa_name(cpu_info().best),
                refused.empty() ? "" : "; amx is refused: " + refused, "), got ", isa_name(isa));
  }
  chosen_isa.store(static_cast<int>(isa), std::memory_order_relaxed);
}

Isa active_isa() {
  const int chosen = chosen_isa.load(std::memory_order_relaxed);
  if (chosen >= 0) return static_cast<Isa>(chosen);
  const char* forced = std::getenv("FASTCONV_ISA");
  set_active_isa(forced && *forced ? parse_isa(forced) : cpu_info().best);
  return static_cast<Isa>(chosen_isa.load(std::memory_order_relaxed));
}

}  // namespace fastconv
