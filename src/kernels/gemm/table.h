// The family's rows of the kernel table, and the choice among them.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/table.h"

namespace fastconv {

struct GemmF32Kernel : Kernel<GemmF32Fn> {
  int mr;  // rows of a register tile
  int nr;  // columns of a panel
  GemmF32Kernel(const char* name, Isa isa, GemmF32Fn* fn, int mr, int nr)
      : Kernel(name, "gemm", isa, fn), mr(mr), nr(nr) {}
};

const GemmF32Kernel& choose_gemm_f32(Isa isa);

}  // namespace fastconv
