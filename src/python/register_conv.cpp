// The convolution functions: one entry for all six, called by python/fastconv/functional.py, which has already made
// every argument an array or a tuple of the right length. Values are checked here, by the core's own rules.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <vector>

#include "api/conv_runner.h"
#include "python/arrays.h"
#include "python/register.h"

namespace fastconv::python {
namespace {

using FloatArray = py::array_t<float>;
using Axes = std::vector<int64_t>;

Dims to_dims(const Axes& axes, int64_t otherwise) {
  Dims dims{otherwise, otherwise, otherwise};
  std::copy(axes.begin(), axes.end(), dims.end() - static_cast<std::ptrdiff_t>(axes.size()));
  return dims;
}

// Sizes and strides (in elements) of an array in N, C, D, H, W order, whatever its layout.
struct View {
  int64_t n, c;
  Dims size{1, 1, 1};
  Strides5 strides{0, 0, 0, 0, 0};
};

View view_of(const py::array& a, bool channels_last) {
  const py::ssize_t rank = a.ndim() - 2;
  auto stride = [&](py::ssize_t i) { return a.strides(i) / static_cast<py::ssize_t>(sizeof(float)); };
  const py::ssize_t channel_axis = channels_last ? a.ndim() - 1 : 1, first = channels_last ? 1 : 2;
  View v{a.shape(0), a.shape(channel_axis)};
  v.strides[0] = stride(0);
  v.strides[1] = stride(channel_axis);
  for (py::ssize_t i = 0; i < rank; ++i) {
    v.size[3 - rank + i] = a.shape(first + i);
    v.strides[5 - rank + i] = stride(first + i);
  }
  return v;
}

std::vector<py::ssize_t> output_shape(const ConvProblem& p, py::ssize_t rank, bool channels_last) {
  std::vector<py::ssize_t> shape(p.out.end() - rank, p.out.end());
  shape.insert(channels_last ? shape.end() : shape.begin(), p.k);
  shape.insert(shape.begin(), p.n);
  return shape;
}

std::string shape_text(const std::vector<py::ssize_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::string shape_text(const py::array& a) {
  return shape_text(std::vector<py::ssize_t>(a.shape(), a.shape() + a.ndim()));
}

struct Arguments {
  const std::string& what;
  bool transposed;
  const Axes &stride, &pad_begin, &pad_end, &dilation, &output_padding;
  bool same_padding;
  int64_t groups;
  bool channels_last;
};

ConvProblem problem_of(const Arguments& a, const py::array& x, const py::array& w, const py::object& bias) {
  const char* what = a.what.c_str();
  const View src = view_of(x, a.channels_last);
  ConvProblem p;
  p.transposed = a.transposed;
  p.n = src.n;
  p.c = src.c;
  p.in = src.size;
  p.groups = a.groups;
  if (p.groups < 1) value_error(what, ": groups must be >= 1, got ", p.groups);
  if (p.c % p.groups) value_error(what, ": input channels must be divisible by groups, got ", p.c, " and ", p.groups);
  p.k = a.transposed ? checked_mul(w.shape(1), p.groups) : w.shape(0);
  p.kernel = view_of(w, false).size;
  p.stride = to_dims(a.stride, 1);
  p.dilation = to_dims(a.dilation, 1);
  p.output_padding = to_dims(a.output_padding, 0);
  if (a.same_padding) {
    set_same_padding(p, what);
  } else {
    p.pad_begin = to_dims(a.pad_begin, 0);
    p.pad_end = to_dims(a.pad_end, 0);
  }
  const int64_t expected = a.transposed ? w.shape(0) : checked_mul(w.shape(1), p.groups);
  if (p.c != expected) {
    value_error(what, ": with groups=", p.groups, ", weight of shape ", shape_text(w), " the input must have ",
                expected, " channels, got ", p.c, " in input of shape ", shape_text(x));
  }
  if (!bias.is_none()) {
    const auto b = bias.cast<py::array>();
    if (b.ndim() != 1 || b.shape(0) != p.k) {
      value_error(what, ": bias must have shape (", p.k, ",), got ", shape_text(b));
    }
  }
  validate(p, what);
  return p;
}

py::array conv(const std::string& what, bool transposed, const FloatArray& x, const FloatArray& w,
               const py::object& bias, const Axes& stride, const Axes& pad_begin, const Axes& pad_end,
               bool same_padding, const Axes& dilation, int64_t groups, const Axes& output_padding, bool channels_last,
               const std::string& precision, const std::string& algorithm, const py::object& out) {
  ConvRequest request;
  request.problem = problem_of(
      {what, transposed, stride, pad_begin, pad_end, dilation, output_padding, same_padding, groups, channels_last}, x,
      w, bias);
  const ConvProblem& p = request.problem;
  const auto shape = output_shape(p, x.ndim() - 2, channels_last);
  py::array result;
  if (out.is_none()) {
    result = new_array(py::dtype::of<float>(), {shape.begin(), shape.end()});
  } else {
    result = out.cast<py::array>();
    if (!std::equal(shape.begin(), shape.end(), result.shape(), result.shape() + result.ndim())) {
      value_error(what, ": out must have shape ", shape_text(shape), ", got ", shape_text(result));
    }
  }
  request.src = view_of(x, channels_last).strides;
  request.dst = view_of(result, channels_last).strides;
  request.precision = parse_precision(precision);
  request.algorithm = algorithm;
  request.what = what.c_str();
  const float* weights = w.data();
  const float* bias_data = bias.is_none() ? nullptr : static_cast<const float*>(bias.cast<py::array>().data());
  const float* src = x.data();
  float* dst = static_cast<float*>(result.mutable_data());
  {
    py::gil_scoped_release release;
    const ConvRunner runner(request, weights, bias_data);
    AlignedArray<char> workspace(runner.workspace_bytes());
    if (p.n > 0) runner.run(src, dst, workspace.data());
  }
  return result;
}

}  // namespace

void register_conv(py::module_& m) {
  m.def("conv", &conv, py::arg("what"), py::arg("transposed"), py::arg("x"), py::arg("weight"), py::arg("bias"),
        py::arg("stride"), py::arg("pad_begin"), py::arg("pad_end"), py::arg("same_padding"), py::arg("dilation"),
        py::arg("groups"), py::arg("output_padding"), py::arg("channels_last"), py::arg("precision"),
        py::arg("algorithm"), py::arg("out"));
}

}  // namespace fastconv::python
