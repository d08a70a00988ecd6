// Implements fastconv/runtime.h; num_threads and set_num_threads are those of base/threads.cc.
#include "fastconv/runtime.h"

#include "base/cpu.h"
#include "fastconv/version.h"
#include "kernels/table.h"

namespace fastconv {

const char* version() noexcept {
  return FASTCONV_VERSION;
}

std::string cpu_brand() {
  return cpu_info().brand;
}
std::vector<std::string> cpu_features() {
  return cpu_info().features;
}

std::string isa() {
  return isa_name(active_isa());
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(cpu_info().best); ++i) names.emplace_back(isa_name(static_cast<Isa>(i)));
  return names;
}

void set_isa(const std::string& name) {
  set_active_isa(parse_isa(name));
}

std::map<std::string, std::string> refused_isas() {
  const std::string& amx = cpu_info().amx_refused;
  if (amx.empty()) return {};
  return {{isa_name(Isa::amx), amx}};
}

std::vector<KernelUse> kernels() {
  std::vector<KernelUse> rows;
  for (const KernelInfo* row : all_kernels()) {
    rows.push_back({row->name, row->family, isa_name(row->isa), row->runs.load(std::memory_order_relaxed)});
  }
  return rows;
}

}  // namespace fastconv
