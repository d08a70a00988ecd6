// The public C++ class Conv, as Python's _core.Conv: planned once, run many times on dense arrays. Used by the
// benchmarks, which measure what an embedder gets.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <mutex>
#include <optional>

#include "api/conv_problem.h"
#include "base/checks.h"
#include "base/memory.h"
#include "conv/algorithm.h"
#include "fastconv/conv.h"
#include "python/register.h"

namespace fastconv::python {
namespace {

using DenseArray = py::array_t<float, py::array::c_style>;

int64_t product(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count = checked_mul(count, extent);
  return count;
}

void check_size(const char* name, const DenseArray& array, int64_t count) {
  if (array.size() != count) value_error("Conv: ", name, " must have ", count, " values, got ", array.size());
}

// A Conv with a workspace of its own; runs of one object wait for each other.
class PlannedConv {
 public:
  PlannedConv(const ConvDescription& d, const DenseArray& weights, const std::optional<DenseArray>& bias)
      : source_count_(checked_mul(checked_mul(d.batch, d.in_channels), product(d.input_size))),
        conv_(d, checked(d, weights), bias ? checked_bias(d, *bias) : nullptr),
        workspace_(conv_.workspace_bytes()) {}

  void run(const DenseArray& x, DenseArray& y) {
    check_size("x", x, source_count_);
    check_size("y", y, product(conv_.output_shape()));
    const float* src = x.data();
    float* dst = y.mutable_data();
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(mutex_);
    conv_.run(src, dst, workspace_.data());
  }
  const Conv& conv() const { return conv_; }

 private:
  static const float* checked(const ConvDescription& d, const DenseArray& weights) {
    if (d.groups < 1) value_error("Conv: groups must be >= 1, got ", d.groups);
    const int64_t matrix = checked_mul(d.in_channels, d.out_channels) / d.groups;
    check_size("weights", weights, checked_mul(matrix, product(d.kernel_size)));
    return weights.data();
  }
  static const float* checked_bias(const ConvDescription& d, const DenseArray& bias) {
    check_size("bias", bias, d.out_channels);
    return bias.data();
  }

  int64_t source_count_;
  Conv conv_;
  AlignedArray<char> workspace_;
  std::mutex mutex_;
};

// What the description's algorithm stands for on a machine, which need not be this one.
std::string choose(const ConvDescription& d, const std::string& isa, int64_t l2_bytes) {
  return choose_algorithm(problem_of(d), {parse_isa(isa), l2_bytes}, parse_precision(d.precision), d.algorithm, "conv")
      .name;
}

}  // namespace

void register_plan(py::module_& m) {
  py::class_<ConvDescription>(m, "ConvDescription")
      .def(py::init<>())
      .def_readwrite("transposed", &ConvDescription::transposed)
      .def_readwrite("batch", &ConvDescription::batch)
      .def_readwrite("in_channels", &ConvDescription::in_channels)
      .def_readwrite("out_channels", &ConvDescription::out_channels)
      .def_readwrite("groups", &ConvDescription::groups)
      .def_readwrite("input_size", &ConvDescription::input_size)
      .def_readwrite("kernel_size", &ConvDescription::kernel_size)
      .def_readwrite("stride", &ConvDescription::stride)
      .def_readwrite("dilation", &ConvDescription::dilation)
      .def_readwrite("padding_begin", &ConvDescription::padding_begin)
      .def_readwrite("padding_end", &ConvDescription::padding_end)
      .def_readwrite("output_padding", &ConvDescription::output_padding)
      .def_readwrite("layout", &ConvDescription::layout)
      .def_readwrite("precision", &ConvDescription::precision)
      .def_readwrite("algorithm", &ConvDescription::algorithm);
  m.def("applicable_algorithms", py::overload_cast<const ConvDescription&>(&applicable_algorithms),
        py::arg("description"));
  m.def("convolution_key", &convolution_key, py::arg("description"));
  m.def("choose_algorithm", &choose, py::arg("description"), py::arg("isa"), py::arg("l2_bytes"));
  py::class_<PlannedConv>(m, "Conv")
      .def(py::init<const ConvDescription&, const DenseArray&, const std::optional<DenseArray>&>(),
           py::arg("description"), py::arg("weights"), py::arg("bias") = py::none())
      .def("run", &PlannedConv::run, py::arg("x").noconvert(), py::arg("y").noconvert())
      .def_property_readonly("output_shape", [](const PlannedConv& c) { return c.conv().output_shape(); })
      .def_property_readonly("workspace_bytes", [](const PlannedConv& c) { return c.conv().workspace_bytes(); })
      .def_property_readonly("algorithm", [](const PlannedConv& c) { return c.conv().algorithm(); })
      .def_property_readonly("kernel", [](const PlannedConv& c) { return c.conv().kernel(); });
}

}  // namespace fastconv::python
