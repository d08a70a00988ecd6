#include "kernels/costs.h"

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"

namespace fastconv {
namespace {

// avx2: AMD EPYC (1 MB L2), 2026-11-22, `fastconv bench choice --shapes conv_shapes.csv`: of 505 convolutions up to 400
// GFLOP, 6 are 10 % or more slower than the best. Between 8 and 14 for a transform, and 8 and 20 for a weight, at most
// two of the choices change; copies for less than 4 send short rows to im2col that direct sums faster.
// avx512: Xeon (Sapphire Rapids, 2 MB L2), 3x3, 64 to 512 channels, 7x7 to 224x224: transform. Rows below 5 were what
// im2col paid for there. A streamed weight, EPYC (Zen 5, 1 MB L2), 2026-11-27, `fastconv bench choice --suite all
// --most-gflop 1.5 --rounds 3`: of 434 convolutions 12 are 10 % or more slower than the best with 8, 18 with 14.
// Rows below 4 on avx2: Zen 5 held to AVX2, 2026-11-27, starts two multiply-adds a cycle that take four each. With 3,
// 1x1 1024@14 to 2048, stride 2, was summed directly in 1.99 ms, for 1.65 by im2col. pair, convert: one instruction
// each where they have their own, avx512bf16; elsewhere the portable kernel is never taken. scatter, on that day and
// machine: 3x3 288@10 to 144, rate 3, transposed, takes 0.302 ms by col2im and its product, 1x288x10x10:1296:1, 0.291:
// 11 for each value that is summed; 5x5 128@10 to 32 10, 3x3 384@5 to 192 15.
// amx: not measured with this code. A prototype on a Xeon of Sapphire Rapids' kind took 0.126 ms for 3x3 256@14, 0.134
// for 128@28 and 0.162 for 64@56, conversion included: 0.21 to 0.25 for a pair, beside products of float32 at 204 GF/s.
// (Its limit, 2700 GF/s, would be 0.15.) Rows of at most a tile have two sums, each of which waits 52 cycles for the
// one before, where four take 64: so they cost what 26 rows do. The rest is avx512bf16's, whose kernels it runs.
constexpr KernelCosts kCosts[] = {
    {10, 14, 4, 10, 3, 3, 40, 80},    // scalar
    {10, 14, 4, 10, 4, 4, 40, 80},    // avx2
    {12, 8, 4, 10, 5, 5, 100, 80},    // avx512
    {12, 8, 4, 10, 5, 5, 1.1, 10},    // avx512bf16
    {12, 8, 4, 10, 5, 26, 0.22, 10},  // amx
};
static_assert(sizeof(kCosts) / sizeof(kCosts[0]) == kIsaCount, "a row for each instruction set");

}  // namespace

const KernelCosts& kernel_costs(Isa isa) {
  return kCosts[static_cast<int>(isa)];
}

bool split_pays(Isa isa, int pieces) {
  return static_cast<double>(product_count(pieces)) * kernel_costs(isa).pair < kProducts<Bf16Pair>;
}

}  // namespace fastconv
