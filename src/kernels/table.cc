#include "kernels/table.h"

namespace fastconv {
namespace {

std::vector<const KernelInfo*>& rows() {
  static std::vector<const KernelInfo*> all;
  return all;
}

}  // namespace

const std::vector<const KernelInfo*>& all_kernels() {
  return rows();
}
void RegisterKernels::add(const KernelInfo* row) {
  rows().push_back(row);
}

}  // namespace fastconv
