// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/table.h"

namespace fastconv {

// Vectors of a panel's width, where the lanes are columns.
inline constexpr int kPanelVectors = 2;

template <class Element>
struct GemmKernel : Kernel<GemmFn<Element>> {
  int mr;         // rows of a register tile
  int nr;         // columns of a panel, which are those of a call
  int packed_nr;  // columns side by side in packed weights: nr, or 1 where the lanes lie along k
  GemmKernel(const char* name, Isa isa, GemmFn<Element>* fn, int mr, int nr, int packed_nr)
      : Kernel<GemmFn<Element>>(name, "gemm", isa, fn), mr(mr), nr(nr), packed_nr(packed_nr) {}
  bool few() const { return packed_nr == 1; }
};
using GemmF32Kernel = GemmKernel<float>;
using GemmBf16Kernel = GemmKernel<Bf16Pair>;

// The kernel for any number of columns.
const GemmF32Kernel& choose_gemm_f32(Isa isa);
// The best one for that many columns and elements per tap; packed weights are of the kernel's form.
template <class Element>
const GemmKernel<Element>& choose_gemm(Isa isa, int64_t columns, int64_t k);

}  // namespace fastconv
