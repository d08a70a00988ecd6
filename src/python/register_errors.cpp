// C++ exceptions to Python's: ValueError, TypeError; std::bad_alloc is MemoryError by itself.
#include "base/checks.h"
#include "python/register.h"

namespace fastconv::python {

void register_errors(py::module_&) {
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const ValueError& e) {
      py::set_error(PyExc_ValueError, e.what());
    } catch (const TypeError& e) {
      py::set_error(PyExc_TypeError, e.what());
    }
  });
}

}  // namespace fastconv::python
