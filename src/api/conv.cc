// Implements fastconv/conv.h: checks a description, and hands it to a ConvRunner.
#include "fastconv/conv.h"

#include "api/conv_problem.h"
#include "api/conv_runner.h"

namespace fastconv {
namespace {

// Fills the last axes of `to` from a per-axis list of the description.
void set_axes(Dims& to, const std::vector<int64_t>& from, size_t rank, const char* name) {
  if (from.empty()) return;
  if (from.size() != rank) {
    value_error("conv: ", name, " must have one number per spatial axis (", rank, "), got ", from.size());
  }
  for (size_t i = 0; i < rank; ++i) to[3 - rank + i] = from[i];
}

}  // namespace

ConvProblem problem_of(const ConvDescription& d) {
  const size_t rank = d.input_size.size();
  if (rank < 1 || rank > 3) value_error("conv: input_size must have 1 to 3 axes, got ", rank);
  if (d.kernel_size.empty()) value_error("conv: kernel_size must have ", rank, " axes, got 0");
  ConvProblem p;
  p.transposed = d.transposed;
  p.n = d.batch;
  p.c = d.in_channels;
  p.k = d.out_channels;
  p.groups = d.groups;
  set_axes(p.in, d.input_size, rank, "input_size");
  set_axes(p.kernel, d.kernel_size, rank, "kernel_size");
  set_axes(p.stride, d.stride, rank, "stride");
  set_axes(p.dilation, d.dilation, rank, "dilation");
  set_axes(p.pad_begin, d.padding_begin, rank, "padding_begin");
  set_axes(p.pad_end, d.padding_end.empty() ? d.padding_begin : d.padding_end, rank, "padding_end");
  set_axes(p.output_padding, d.output_padding, rank, "output_padding");
  validate(p, "conv");
  return p;
}

std::vector<std::string> applicable_algorithms(const ConvDescription& d) {
  std::vector<std::string> names;
  for (const Algorithm* algorithm : applicable_algorithms(problem_of(d), active_isa(), parse_precision(d.precision))) {
    names.emplace_back(algorithm->name);
  }
  return names;
}

std::string convolution_key(const ConvDescription& d) {
  return problem_of(d).key();
}

struct Conv::Impl {
  ConvProblem problem;
  size_t rank;
  bool channels_last;
  std::unique_ptr<ConvRunner> runner;
};

Conv::Conv(const ConvDescription& d, const float* weights, const float* bias) : impl_(new Impl) {
  if (!weights) value_error("conv: weights must not be null, got null");
  if (d.layout != "NCHW" && d.layout != "NHWC") value_error("conv: layout must be NCHW or NHWC, got ", d.layout);
  ConvRequest request;
  request.problem = impl_->problem = problem_of(d);
  impl_->rank = d.input_size.size();
  impl_->channels_last = d.layout == "NHWC";
  const auto strides = impl_->channels_last ? channels_last_strides : channels_first_strides;
  request.src = strides(request.problem.c, request.problem.in);
  request.dst = strides(request.problem.k, request.problem.out);
  request.precision = parse_precision(d.precision);
  request.algorithm = d.algorithm;
  impl_->runner = std::make_unique<ConvRunner>(request, weights, bias);
}

Conv::~Conv() = default;
Conv::Conv(Conv&&) noexcept = default;
Conv& Conv::operator=(Conv&&) noexcept = default;

std::vector<int64_t> Conv::output_shape() const {
  const ConvProblem& p = impl_->problem;
  std::vector<int64_t> shape(p.out.end() - static_cast<std::ptrdiff_t>(impl_->rank), p.out.end());
  shape.insert(impl_->channels_last ? shape.end() : shape.begin(), p.k);
  shape.insert(shape.begin(), p.n);
  return shape;
}

int64_t Conv::workspace_bytes() const {
  return impl_->runner->workspace_bytes();
}
const char* Conv::algorithm() const {
  return impl_->runner->algorithm().name;
}
const char* Conv::kernel() const {
  return impl_->runner->kernel().name;
}

void Conv::run(const float* x, float* y, void* workspace) const noexcept {
  impl_->runner->run(x, y, workspace);
}

void Conv::run(const float* x, float* y) const {
  AlignedArray<char> workspace(workspace_bytes());
  run(x, y, workspace.data());
}

}  // namespace fastconv
