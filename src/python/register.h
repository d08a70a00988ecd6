// The parts of the extension module, and nothing else: one function a file.
#pragma once

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace fastconv::python {

void register_errors(py::module_& m);
void register_runtime(py::module_& m);
void register_conv(py::module_& m);
void register_graph(py::module_& m);
void register_plan(py::module_& m);
void register_tensors(py::module_& m);

}  // namespace fastconv::python
