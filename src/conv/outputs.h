// Where a convolution's outputs go: to float32, or to the pieces of bfloat16 that the layers behind it read. Pieces are
// made of what a call of a kernel has just stored, while it is in the first cache, and by the conversion that a layer
// runs on a source in float32: they are the same, whatever kernel and function stand before them.
#pragma once

#include <algorithm>

#include "conv/algorithm.h"
#include "kernels/gemm/gemm.h"
#include "kernels/quantize/table.h"

namespace fastconv {

class ConvOutputs {
 public:
  // `count` outputs in a line, pixels `step` apart, of which a call computes `channels` from `channel` on.
  struct Line {
    int64_t pixel, step, count;
    int64_t channel, channels;
  };

  // Every pixel stride of `options` is told. `group`: channels that lie side by side.
  ConvOutputs(const ConvProblem& problem, const ConvOptions& options, int64_t group)
      : options_(options),
        quantize_(choose_quantize_bf16(options.isa)),
        pairs_(problem.k / kProducts<Bf16Pair>),
        converts_(options.dst_pieces.count > 0),
        streams_(!converts_ &&
                 streams_outputs(problem.n * problem.out_pixels() * problem.k * static_cast<int64_t>(sizeof(float)),
                                 group, options.dst_pixel_stride, options.function)) {}

  bool streams() const { return streams_; }
  void count_run() const {
    if (converts_) quantize_.count_run();
  }

  // The most pixels of a line, whatever a layer would take at once, where a call computes so many channels: they stay
  // in the first cache beside what the kernel reads. 1x1 24@112 to 144 to 24 ..., four layers: 1.284 ms with lines of
  // 512 pixels, 1.237 of 192, 1.233 of 96, 1.228 of 56, 1.269 of 28 (1.315 in float32). Zen 5 (48 KB), one thread,
  // November 2026: fc.compile(fc.nn.Sequential(...), precision="medium"), variants in turns.
  int64_t longest_line(int64_t channels) const {
    const int64_t bytes = channels * static_cast<int64_t>(sizeof(float));
    return converts_ ? std::max<int64_t>(cpu_info().l1d_bytes / 4 / bytes, 1) : INT64_MAX;
  }
  // Floats of memory that a thread needs, whose calls have at most so many outputs.
  int64_t memory(int64_t outputs) const {
    constexpr int64_t kLine = kAlignment / sizeof(float);
    return converts_ ? round_up(outputs, kLine) : 0;
  }

  // Runs a kernel whose `args` lack only what is told of outputs.
  template <class Kernel, class Args>
  void call(const Kernel& kernel, Args& args, const ConvBuffers& buffers, const Line& line,
            float* memory) const noexcept {
    const int64_t stride = options_.dst_pixel_stride;
    args.dst = converts_ ? memory : buffers.dst + line.pixel * stride + line.channel;
    args.dst_stride = converts_ ? line.channels : line.step * stride;
    args.epilogue = epilogue_at(options_, buffers, line.pixel, line.step, line.channel, streams_);
    kernel.fn(args);
    if (!converts_) return;
    Bf16Pair* pieces = buffers.dst_pieces + line.pixel * pairs_ + line.channel / kProducts<Bf16Pair>;
    quantize_.fn({memory, line.channels, pieces, line.step * pairs_, line.count, line.channels,
                  options_.dst_pieces.count, options_.dst_pieces.stride});
  }

 private:
  ConvOptions options_;
  const Kernel<QuantizeBf16Fn>& quantize_;
  int64_t pairs_;  // of a pixel
  bool converts_, streams_;
};

}  // namespace fastconv
