// The pool family's table, the tables of spans, and the loop over output rows.
#include "kernels/pool/pool.h"

#include <algorithm>
#include <utility>

#include "base/checks.h"
#include "base/threads.h"

namespace fastconv {
namespace {

struct PoolKernel : Kernel<PoolFn> {
  PoolKind kind;
};

const PoolKernel kRows[] = {
#define FASTCONV_POOL(kind, name, isa) {{#name, "pool", Isa::isa, name}, PoolKind::kind},
#include "kernels/pool/kernels.inc"
#undef FASTCONV_POOL
};
const RegisterKernels registered(kRows);

// Windows read few cells of several rows at a time, which the processor does not see to be neighbours: of an image
// beyond the second cache they are fetched so many bytes ahead. Xception's first pool, 3x3 of stride 2 at 128@147, 0.93
// ms without and 0.45, VGG-16's, 2x2 at 64@224, 0.49 and 0.42 (fastconv profile xception, vgg16). With the image just
// written, 128@147 0.67 ms without, 0.35 by 2 KiB, 0.26, 0.25 by 6, 0.31 by 8. Zen 5, one thread, November 2026.
constexpr int64_t kFetchBytes = 4 << 10;

// The number of taps 0, 1 ... < kernel at first + tap * dilation that lie before `end`.
int64_t taps_before(int64_t end, int64_t first, int64_t dilation, int64_t kernel) {
  return std::clamp<int64_t>(ceil_div(end - first, dilation), 0, kernel);
}

const Kernel<PoolFn>& choose(PoolKind kind, Isa isa) {
  const PoolKernel* best = nullptr;
  for (const PoolKernel& row : kRows) {
    if (row.kind == kind && row.isa <= isa && (!best || row.isa > best->isa)) best = &row;
  }
  return *best;  // every kind has a scalar row
}

}  // namespace

PoolAxis window_axis(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_begin,
                     int64_t pad_end, bool count_padding) {
  PoolAxis axis{size, dilation, {}};
  axis.spans.reserve(out);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t start = o * stride - pad_begin;
    const int64_t before = start < 0 ? taps_before(0, start, dilation, kernel) : 0;  // taps in the padding
    const int64_t taps = taps_before(size, start, dilation, kernel) - before;
    axis.spans.push_back({start + before * dilation, std::max<int64_t>(taps, 0),
                          count_padding ? taps_before(size + pad_end, start, dilation, kernel) : taps});
  }
  return axis;
}

PoolAxis adaptive_axis(int64_t size, int64_t out) {
  PoolAxis axis{size, 1, {}};
  axis.spans.reserve(out);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * size / out, end = ceil_div((o + 1) * size, out);
    axis.spans.push_back({first, end - first, end - first});
  }
  return axis;
}

PoolPlan::PoolPlan(PoolKind kind, int64_t batch, int64_t channels, PoolAxis depth, PoolAxis height, PoolAxis width,
                   int64_t divisor, PoolIndices indices, PoolPixels pixels, Isa isa)
    : kernel_(&choose(kind, isa)),
      batch_(batch),
      channels_(channels),
      axes_{std::move(depth), std::move(height), std::move(width)} {
  row_.channels = channels;
  row_.divisor = divisor;
  row_.dst_pixel = pixels.dst ? pixels.dst : channels;
  row_.index_pixel = pixels.indices ? pixels.indices : channels;
  int64_t cell = pixels.src ? pixels.src : channels, place = 1;
  for (int a = 2; a >= 0; --a) {
    row_.step[a] = axes_[a].step;
    row_.src_stride[a] = cell;
    cell *= axes_[a].size;
  }
  constexpr int64_t kValue = sizeof(float);
  if (cell * kValue > cpu_info().l2_bytes) row_.fetch = kFetchBytes / kValue;
  for (int i = 0; i < 3; ++i) {
    const int a = indices.column_major ? i : 2 - i;
    row_.index_stride[a] = place;
    place *= axes_[a].size;
  }
  if (indices.whole_tensor) {
    row_.index_channel = place;
    index_image_ = place * channels;
  }
}

void PoolPlan::run(const float* src, float* dst, int64_t* indices) const noexcept {
  const auto& [depth, height, width] = axes_;
  const int64_t out_d = static_cast<int64_t>(depth.spans.size()), out_h = static_cast<int64_t>(height.spans.size()),
                out_w = static_cast<int64_t>(width.spans.size());
  const int64_t image = row_.src_stride[0] * depth.size;
  const int64_t pixels = batch_ * out_d * out_h * out_w;
  if (pixels == 0 || channels_ == 0) return;
  kernel_->count_run();
  const int64_t grain = std::max<int64_t>(1, (int64_t{4} << 10) / channels_);
  parallel_for(pixels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end;) {
      const int64_t w = pixel % out_w, line = pixel / out_w;
      const int64_t h = line % out_h, d = line / out_h % out_d, n = line / out_h / out_d;
      PoolRow row = row_;
      row.src = src + n * image;
      row.dst = dst + pixel * row.dst_pixel;
      row.count = std::min(out_w - w, end - pixel);
      row.span_d = depth.spans[d];
      row.span_h = height.spans[h];
      row.span_w = &width.spans[w];
      row.indices = indices ? indices + pixel * row.index_pixel : nullptr;
      row.index_base = n * index_image_;
      kernel_->fn(row);
      pixel += row.count;
    }
  });
}

}  // namespace fastconv
