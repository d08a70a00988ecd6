// Runs a tap-GEMM over a whole matrix: blocks of rows x panels of columns, spread over threads. For callers whose
// source is one matrix (pointwise convolutions, im2col, matmul); convolutions with rows of pixels have their own
// loop in conv/tap_conv.cc, on the same order of work.
#pragma once

#include "base/threads.h"
#include "kernels/gemm/table.h"

namespace fastconv {

// Weights that fit in half of L2 stay there; larger ones are streamed, and the next panel's are fetched ahead.
bool gemm_streams(int64_t weight_bytes) noexcept;

// Rows of a block. Weights that stay in L2 are read again by each block: then blocks are small, so that their source
// stays in L1. Those that are streamed should be so once: then blocks are as large as fits in L2.
int64_t gemm_block_rows(int64_t row_bytes, int64_t weight_bytes) noexcept;

// How threads share a product. Cut along rows, every thread reads all weights; cut along columns, every thread reads
// the whole source, which another core wrote: whichever is less. `data_bytes`: source and output.
Along gemm_along(int64_t weight_bytes, int64_t data_bytes) noexcept;

// args.n and args.weights: all columns, all panels, `panel_stride` elements apart.
void gemm_matrix_f32(const GemmF32Kernel& kernel, const GemmF32Args& args, int64_t panel_stride) noexcept;

// The arguments of one panel of a call over many: columns [panel * nr, ...), rows as they are.
GemmF32Args panel_of(const GemmF32Args& whole, int64_t panel, int64_t nr, int64_t panel_stride) noexcept;

}  // namespace fastconv
