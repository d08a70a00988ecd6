// What this processor can do, and which instruction set the library uses. Read once, at the first question.
// FASTCONV_ISA forces a lower instruction set than the best one found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastconv {

// Ordered: a higher one implies the lower ones of its family. Names are those of cmake/isa.cmake.
enum class Isa : int { scalar = 0, avx2 = 1, avx512 = 2, avx512bf16 = 3, amx = 4 };
inline constexpr int kIsaCount = 5;

const char* isa_name(Isa isa);

struct CpuInfo {
  std::string brand;
  std::vector<std::string> features;  // CPUID bits that matter here and that the operating system lets us use
  Isa best = Isa::scalar;
  std::string amx_refused;  // why the operating system does not let a processor with AMX use it; else empty
  int64_t l1d_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
  int64_t l3_bytes = 8 << 20;  // as the system tells: of all complexes together
  bool near_l3 = false;        // the third cache belongs to a complex of few cores and is nearly as fast as the second
};

const CpuInfo& cpu_info();

// The best instruction set for a processor with these features. AMX, where it has it, is asked for, and `refused` is
// the answer: empty, or the reason.
Isa best_isa(const std::vector<std::string>& features, std::string (*ask_for_amx)(), std::string& refused);

// The instruction set in use: FASTCONV_ISA where set (ValueError where unknown or not available), else the best.
Isa active_isa();

// Chooses another one for plans made from now on (tests and benchmarks); ValueError where the machine lacks it.
void set_active_isa(Isa isa);
Isa parse_isa(const std::string& name);

}  // namespace fastconv
