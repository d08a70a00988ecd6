// Runs a tap-GEMM over a whole matrix: blocks of rows x panels of columns, spread over threads. For callers whose
// source is one matrix (pointwise convolutions, im2col, matmul); convolutions with rows of pixels have their own
// loop in conv/tap_conv.cc, on the same order of work.
#pragma once

#include <algorithm>

#include "base/threads.h"
#include "kernels/gemm/table.h"

namespace fastconv {

// Weights that fit in half of L2 stay there for all blocks of rows but the first, which finds them where the network's
// last run left them; larger ones are streamed by each block. What is not in L2 is fetched ahead: by a panel, whose
// successor lies behind it, or by 64 KiB of a longer one, so that what is fetched is used before it leaves L2. One row
// of 9216 to 4096: 4.24 ms fetched by panels of 1.2 MB, 4.22 by 4 KiB, 3.72 by 8, 3.48 by 32, 3.40 by 64, 3.85 by 128
// (fastconv.nn.Linear). Small weights, fetched for the first block: MobileNetV2 3.37 and 3.25 ms, ResNet-18 8.3
// and 7.9, EfficientNet-B0 5.5 and 5.35, others level, as is a layer alone, run again and again (fastconv bench model
// mobilenet_v2); a share of the next panel for each tile of rows, not all for the first: 1 to 3 % slower but for
// VGG-16. Zen 5 (1 MB of L2), one thread, November 2026.
bool gemm_streams(int64_t weight_bytes) noexcept;
int64_t gemm_fetch_ahead(int64_t panel_size) noexcept;

// Rows of a block. Weights that stay in L2 are read again by each block: then blocks are small, so that their source
// stays in L1. Those that are streamed should be so once: then blocks are as large as fits in L2.
int64_t gemm_block_rows(int64_t row_bytes, int64_t weight_bytes) noexcept;

// How threads share a product. Cut along rows, every thread reads all weights; cut along columns, every thread reads
// the whole source, which another core wrote: whichever is less. `data_bytes`: source and output.
Along gemm_along(int64_t weight_bytes, int64_t data_bytes) noexcept;

// args.n and args.weights: all columns, all panels, of `rows` elements a column; so many has a row of the source, too.
template <class Element>
void gemm_matrix(const GemmKernel<Element>& kernel, const GemmArgs<Element>& args, int64_t rows) noexcept;

}  // namespace fastconv
