// Threads, processor, kernel table.
#include <pybind11/stl.h>

#include "base/cpu.h"
#include "base/threads.h"
#include "fastconv/runtime.h"
#include "python/register.h"

namespace fastconv::python {

void register_runtime(py::module_& m) {
  m.def("version", &version);
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("count"));
  m.def("limit_threads", &limit_threads, py::arg("count"));
  m.def("isa", &isa);
  m.def("set_isa", &set_isa, py::arg("name"));
  m.def("available_isas", &available_isas);
  m.def("refused_isas", &refused_isas);
  m.def("cpu_info", [] {
    const CpuInfo& info = cpu_info();
    py::dict d;
    d["brand"] = info.brand;
    d["features"] = info.features;
    d["isa"] = isa();
    d["available_isas"] = available_isas();
    d["refused_isas"] = refused_isas();
    d["l1d_bytes"] = info.l1d_bytes;
    d["l2_bytes"] = info.l2_bytes;
    d["l3_bytes"] = info.l3_bytes;
    return d;
  });
  m.def("kernels", [] {
    py::list rows;
    for (const KernelUse& row : kernels()) {
      py::dict d;
      d["name"] = row.name;
      d["family"] = row.family;
      d["isa"] = row.isa;
      d["runs"] = row.runs;
      rows.append(d);
    }
    return rows;
  });
}

}  // namespace fastconv::python
