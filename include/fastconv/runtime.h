// The library at run time: its version, how many threads it uses, what it found in the processor and which instruction
// set it therefore uses. Settings hold for the whole process.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fastconv {

// The version of the library in use, "major.minor.patch"; FASTCONV_VERSION is that of the headers.
const char* version() noexcept;

// Threads a run may use: set_num_threads, else FASTCONV_NUM_THREADS, else OMP_NUM_THREADS, else what the process may
// use (affinity, container quota). Throws std::invalid_argument unless count is 1 to 1024.
int num_threads();
void set_num_threads(int64_t count);

// The processor's name, and those of its features that matter here and that the operating system lets us use.
std::string cpu_brand();
std::vector<std::string> cpu_features();

// The instruction set in use, and all that this processor could use, the best last. FASTCONV_ISA or set_isa choose a
// lower one for whatever is planned from then on; std::invalid_argument for one that is unknown or not available.
std::string isa();
std::vector<std::string> available_isas();
void set_isa(const std::string& name);

// Instruction sets that this processor has and that the operating system refused when it was asked for them, with the
// reason. Old kernels, sandboxes, and threads with small signal stacks do that to amx; the next lower one is used.
std::map<std::string, std::string> refused_isas();

// The rows of the kernel table, and how often a plan has run each.
struct KernelUse {
  std::string name;  // family_types_MRxNR__isa
  std::string family;
  std::string isa;
  uint64_t runs;
};
std::vector<KernelUse> kernels();

}  // namespace fastconv
