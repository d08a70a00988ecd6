// What the kernels of an instruction set cost beside one another, for the choice among algorithms (conv/cost.cc). The
// unit is one multiply-add of a full tap-GEMM register tile, so that the speed of the processor cancels out.
#pragma once

#include "base/cpu.h"

namespace fastconv {

struct KernelCosts {
  double transform;   // one value through a Winograd transform, whichever its size and direction
  double stream;      // one weight read from beyond L2, where that is what the products wait for
  double gather;      // one value copied by im2col
  double scatter;     // one product written and summed by col2im
  double least_rows;  // a register tile of fewer rows takes as long as this many: its sums wait for each other
  double pair_rows;   // the same of tiles of pairs of bfloat16
  double pair;        // the products of two pairs of bfloat16
  double convert;     // one value converted to bfloat16, each of its pieces
};

const KernelCosts& kernel_costs(Isa isa);

// Whether values split in so many pieces (gemm/split.h) are multiplied faster than in float32.
bool split_pays(Isa isa, int pieces);

}  // namespace fastconv
