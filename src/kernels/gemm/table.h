// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/table.h"

namespace fastconv {

// Vectors of a panel's width, where the lanes are columns.
inline constexpr int kPanelVectors = 2;

struct GemmF32Kernel : Kernel<GemmF32Fn> {
  int mr;         // rows of a register tile
  int nr;         // columns of a panel, which are those of a call
  int packed_nr;  // columns side by side in packed weights: nr, or 1 where the lanes lie along k
  GemmF32Kernel(const char* name, Isa isa, GemmF32Fn* fn, int mr, int nr, int packed_nr)
      : Kernel(name, "gemm", isa, fn), mr(mr), nr(nr), packed_nr(packed_nr) {}
  bool few() const { return packed_nr == 1; }
};

// The kernel for any number of columns.
const GemmF32Kernel& choose_gemm_f32(Isa isa);
// The best one for that many columns and products per tap; packed weights are of the kernel's form.
const GemmF32Kernel& choose_gemm_f32(Isa isa, int64_t columns, int64_t k);

}  // namespace fastconv
