// One convolution: described once, planned once, run many times.
//
//   fastconv::ConvDescription d;
//   d.batch = 1; d.in_channels = 3; d.out_channels = 64;
//   d.input_size = {224, 224}; d.kernel_size = {7, 7}; d.stride = {2, 2}; d.padding_begin = d.padding_end = {3, 3};
//   fastconv::Conv conv(d, weights, bias);
//   conv.run(x, y);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fastconv {

// Per-axis lists have one number per spatial axis (1 to 3 of them, as in input_size); an empty one means the default.
struct ConvDescription {
  bool transposed = false;
  int64_t batch = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  std::vector<int64_t> input_size;  // depth, height, width: the last ones
  std::vector<int64_t> kernel_size;
  std::vector<int64_t> stride;          // default 1
  std::vector<int64_t> dilation;        // default 1
  std::vector<int64_t> padding_begin;   // default 0
  std::vector<int64_t> padding_end;     // default: as padding_begin
  std::vector<int64_t> output_padding;  // transposed only; default 0
  std::string layout = "NCHW";          // or "NHWC": channels last, whatever the number of axes
  std::string precision = "highest";    // the error budget: "highest", "high" or "medium"
  std::string algorithm = "auto";       // "direct", "im2col", "col2im", "winograd", "depthwise" ...
};

// The algorithms that apply to this convolution, keep its error budget and can be the fastest on this processor, for
// those who want to measure them against "auto". Throws std::invalid_argument as Conv does.
std::vector<std::string> applicable_algorithms(const ConvDescription& description);

// A convolution without its batch in a line, as "64x56x56:64:3x3:p1x1": the key of NetworkOptions::algorithms.
std::string convolution_key(const ConvDescription& description);

// Set the number of threads first: some algorithms set memory aside for each thread there is when they are planned, and
// never use more threads than that.
class Conv {
 public:
  // weights: (out_channels, in_channels / groups, kernel...), transposed: (in_channels, out_channels / groups,
  // kernel...); bias: out_channels values or null. Both are copied. Throws std::invalid_argument ("conv: rule, got
  // value") or std::bad_alloc.
  Conv(const ConvDescription& description, const float* weights, const float* bias = nullptr);
  ~Conv();
  Conv(Conv&&) noexcept;
  Conv& operator=(Conv&&) noexcept;

  std::vector<int64_t> output_shape() const;  // batch, channels and spatial axes in the order of the layout
  int64_t workspace_bytes() const;
  const char* algorithm() const;  // what "auto" chose
  const char* kernel() const;     // the row of the kernel table

  // x and y are dense arrays in the layout. `workspace`: workspace_bytes() long, aligned to 64 bytes. Any number of
  // threads may run one Conv at a time, each with its own workspace. Allocates nothing, throws nothing.
  void run(const float* x, float* y, void* workspace) const noexcept;
  // The same with a workspace of its own for this call; may throw std::bad_alloc.
  void run(const float* x, float* y) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fastconv
