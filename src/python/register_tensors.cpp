// Whether torch's tensors are those that a network was made of. Asked of each parameter before each run: a Python call
// for each takes longer than a small network.
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/checks.h"
#include "python/register.h"

namespace fastconv::python {
namespace {

// The addresses of tensors, and how often each was written to.
class TensorState {
 public:
  // `data_ptr` is the address of torch's function from an object to its data, as compiled code gets it, and `version`
  // the descriptor of Tensor._version. Of both nothing is called that torch does not call with the same arguments.
  TensorState(std::vector<std::uintptr_t> addresses, std::vector<std::int64_t> writes, std::uintptr_t data_ptr,
              py::object version)
      : addresses_(std::move(addresses)),
        writes_(std::move(writes)),
        data_ptr_(reinterpret_cast<void* (*)(PyObject*)>(data_ptr)),
        version_(std::move(version)) {
    if (addresses_.size() != writes_.size())
      value_error("TensorState: addresses and writes must be as many, got ", addresses_.size(), " and ",
                  writes_.size());
    if (data_ptr == 0) value_error("TensorState: data_ptr must be the address of a function, got 0");
    if (Py_TYPE(version_.ptr()) != &PyGetSetDescr_Type)
      throw py::type_error(std::string("TensorState: version must be a getset descriptor, got ") +
                           Py_TYPE(version_.ptr())->tp_name);
  }

  // False also where this cannot be told: of other objects, and of tensors that do not count what is written to them.
  bool matches(const py::tuple& tensors) const {
    if (tensors.size() != addresses_.size()) return false;
    const auto* descriptor = reinterpret_cast<PyGetSetDescrObject*>(version_.ptr());
    const PyGetSetDef& version = *descriptor->d_getset;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      PyObject* tensor = PyTuple_GET_ITEM(tensors.ptr(), static_cast<Py_ssize_t>(i));
      if (!PyObject_TypeCheck(tensor, PyDescr_TYPE(descriptor))) return false;
      if (reinterpret_cast<std::uintptr_t>(data_ptr_(tensor)) != addresses_[i]) return false;
      const auto count = py::reinterpret_steal<py::object>(version.get(tensor, version.closure));
      if (!count) PyErr_Clear();
      if (!count || PyLong_AsLongLong(count.ptr()) != writes_[i]) return false;
    }
    return true;
  }

 private:
  std::vector<std::uintptr_t> addresses_;
  std::vector<std::int64_t> writes_;
  void* (*data_ptr_)(PyObject*);
  py::object version_;
};

}  // namespace

void register_tensors(py::module_& m) {
  py::class_<TensorState>(m, "TensorState")
      .def(py::init<std::vector<std::uintptr_t>, std::vector<std::int64_t>, std::uintptr_t, py::object>(),
           py::arg("addresses"), py::arg("writes"), py::arg("data_ptr"), py::arg("version"))
      .def("matches", &TensorState::matches, py::arg("tensors"));
}

}  // namespace fastconv::python
