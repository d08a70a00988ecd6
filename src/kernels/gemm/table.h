// The family's rows of the kernel table, and the choice among them.
#pragma once

#include <algorithm>

#include "kernels/gemm/gemm.h"
#include "kernels/table.h"

namespace fastconv {

template <class Element>
struct GemmKernel : Kernel<GemmFn<Element>> {
  int mr;         // rows of a register tile
  int nr;         // columns of a panel
  int packed_nr;  // columns side by side in packed weights: nr, or 1 where the lanes lie along k
  GemmKernel(const char* name, Isa isa, GemmFn<Element>* fn, int mr, int nr, int packed_nr)
      : Kernel<GemmFn<Element>>(name, "gemm", isa, fn), mr(mr), nr(nr), packed_nr(packed_nr) {}
  bool few() const { return packed_nr == 1; }
  // Calls for a matrix of so many columns, a panel each; a vector that would be left alone goes with the panel before.
  int64_t calls(int64_t columns) const {
    if (few()) return (columns + nr - 1) / nr;
    const int lanes = nr / kPanelVectors;
    return std::max<int64_t>((columns + lanes - 1) / lanes / kPanelVectors, columns > 0);
  }
  // Columns of one of so many calls.
  int64_t call_columns(int64_t call, int64_t calls, int64_t columns) const {
    return call + 1 < calls ? nr : columns - call * nr;
  }
};
using GemmF32Kernel = GemmKernel<float>;
using GemmBf16Kernel = GemmKernel<Bf16Pair>;

// The kernel for any number of columns.
const GemmF32Kernel& choose_gemm_f32(Isa isa);
// The best one for that many columns and elements per tap; packed weights are of the kernel's form.
template <class Element>
const GemmKernel<Element>& choose_gemm(Isa isa, int64_t columns, int64_t k);

}  // namespace fastconv
