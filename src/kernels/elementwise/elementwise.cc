// The elementwise family's table, and its loops over threads.
#include "kernels/elementwise/elementwise.h"

namespace fastconv {
namespace {

#define FASTCONV_UNARY(name, isa) {#name, "elementwise", Isa::isa, name},
#define FASTCONV_BINARY(name, isa)
const Kernel<UnaryFn> kUnaryRows[] = {
#include "kernels/elementwise/kernels.inc"
};
#undef FASTCONV_UNARY
#undef FASTCONV_BINARY

#define FASTCONV_UNARY(name, isa)
#define FASTCONV_BINARY(name, isa) {#name, "elementwise", Isa::isa, name},
const Kernel<BinaryFn> kBinaryRows[] = {
#include "kernels/elementwise/kernels.inc"
};
#undef FASTCONV_UNARY
#undef FASTCONV_BINARY

const RegisterKernels registered_unary(kUnaryRows);
const RegisterKernels registered_binary(kBinaryRows);

}  // namespace

UnaryPlan::UnaryPlan(const Broadcast& loops, Isa isa) : kernel_(&choose_kernel(kUnaryRows, isa)), loops_(loops) {}

void UnaryPlan::run(FunctionCall call, const float* x, float* y) const noexcept {
  kernel_->count_run();
  loops_.for_each_panel([&](const BroadcastPanel& p) {
    for (int64_t row = 0; row < p.rows; ++row) {
      kernel_->fn({call, x + p.at[0] + row * p.row[0], y + p.out + row * p.out_row, p.cols});
    }
  });
}

BinaryPlan::BinaryPlan(BinaryFunction function, const Broadcast& loops, Isa isa)
    : kernel_(&choose_kernel(kBinaryRows, isa)), function_(function), loops_(loops) {}

void BinaryPlan::run(const float* a, const float* b, float* y) const noexcept {
  kernel_->count_run();
  loops_.for_each_panel([&](const BroadcastPanel& p) {
    kernel_->fn({function_, a + p.at[0], b + p.at[1], y + p.out, p.rows, p.cols, p.row[0], p.row[1], p.out_row,
                 p.col[0], p.col[1]});
  });
}

}  // namespace fastconv
