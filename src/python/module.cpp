// The Python extension fastconv._core. Each register_*.cpp binds one part; the Python side gives them their face.
#include "python/register.h"

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "fastconv's C++ core; use it through the fastconv package";
  fastconv::python::register_errors(m);
  fastconv::python::register_runtime(m);
  fastconv::python::register_conv(m);
  fastconv::python::register_graph(m);
  fastconv::python::register_plan(m);
  fastconv::python::register_tensors(m);
}
