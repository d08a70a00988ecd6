// _core.Graph and _core.Network: the graph builder and the executor, for every Python frontend. Arrays come in as they
// are (copied only where they are not dense), outputs are fresh arrays that the last step writes into.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <list>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "graph/network.h"
#include "python/arrays.h"
#include "python/register.h"

namespace fastconv::python {
namespace {

using graph::Graph;
using graph::Network;
using graph::Plan;
using graph::Shape;
using graph::TensorSpec;
using graph::TensorView;
using graph::ValueId;

DType dtype_of(const py::array& array, const std::string& what) {
  const py::dtype type = array.dtype();
  const bool native = type.byteorder() == '=' || type.byteorder() == '|';
  for (DType candidate : {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8, DType::i8, DType::b8}) {
    if (native && type.is(py::dtype(dtype_name(candidate)))) return candidate;
    if (native && type.kind() == py::dtype(dtype_name(candidate)).kind() && type.itemsize() == size_of(candidate)) {
      return candidate;
    }
  }
  throw TypeError(concat(what, ": dtype must be float32, float64, int64, int32, uint8, int8 or bool, got ",
                         py::str(type).cast<std::string>()));
}

std::span<const int64_t> shape_of(const py::array& array) {
  return {array.shape(), static_cast<size_t>(array.ndim())};
}

// The array itself where it is dense and aligned, else a copy that is.
py::array dense(const py::array& array) {
  constexpr int kDense = int{py::array::c_style} | int{py::detail::npy_api::NPY_ARRAY_ALIGNED_};
  if ((array.flags() & kDense) == kDense) return array;
  return py::module_::import("numpy").attr("array")(array, py::arg("order") = "C", py::arg("copy") = true);
}

int64_t to_int(const std::string& name, const py::handle& value) {
  const py::int_ number(py::reinterpret_borrow<py::object>(value));
  int overflow = 0;
  const int64_t result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow) value_error("attribute ", name, ": must fit in 64 bits, got ", py::str(number).cast<std::string>());
  return result;
}

// A list of numbers, as ints where all are.
graph::Attribute to_list(const std::string& name, const py::sequence& items) {
  std::vector<int64_t> ints;
  std::vector<double> floats;
  for (const py::handle item : items) {
    if (!PyNumber_Check(item.ptr())) {
      throw TypeError(concat("attribute ", name, ": must hold numbers, got ", py::repr(item).cast<std::string>()));
    }
    if (PyIndex_Check(item.ptr())) ints.push_back(to_int(name, item));
    floats.push_back(py::float_(py::reinterpret_borrow<py::object>(item)).cast<double>());
  }
  if (ints.size() == floats.size()) return ints;
  return floats;
}

graph::Attribute to_attribute(const std::string& name, const py::handle& value) {
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (PyIndex_Check(value.ptr())) return to_int(name, value);
  if (PyNumber_Check(value.ptr()) && !py::isinstance<py::sequence>(value))
    return py::float_(py::reinterpret_borrow<py::object>(value)).cast<double>();
  if (py::isinstance<py::sequence>(value)) return to_list(name, py::reinterpret_borrow<py::sequence>(value));
  throw TypeError(concat("attribute ", name, ": must be an int, a float, a string or a list of numbers, got ",
                         py::str(py::type::of(value)).cast<std::string>()));
}

std::vector<ValueId> add(Graph& graph, const std::string& op, const std::vector<std::optional<ValueId>>& inputs,
                         const py::dict& attributes, int outputs, const std::string& name) {
  std::vector<ValueId> ids;
  for (const auto& id : inputs) ids.push_back(id.value_or(graph::kNoValue));
  graph::Attributes converted;
  for (const auto& [key, value] : attributes) {
    const std::string attribute = py::str(key);
    converted[attribute] = to_attribute(attribute, value);
  }
  return graph.add(op, std::move(ids), std::move(converted), outputs, name);
}

// Memory for constants, which whoever made it fills and leaves alone once a graph has it: graphs take it as it is.
struct Buffer {
  explicit Buffer(int64_t size) : bytes(std::make_shared<AlignedArray<std::byte>>(size)) {}
  std::shared_ptr<AlignedArray<std::byte>> bytes;
};

// Whose memory the array's is: the object behind the views.
py::object owner_of(const py::array& array) {
  py::object owner = array;
  while (py::isinstance<py::array>(owner)) owner = owner.attr("base");
  return PyMemoryView_Check(owner.ptr()) ? owner.attr("obj") : owner;
}

// Arrays that cannot change, because their memory is a Buffer's or that of a bytes object, are not copied: most of a
// large model's memory.
ValueId constant(Graph& graph, const py::array& array, const std::string& name) {
  const DType dtype = dtype_of(array, "constant '" + name + "'");
  const py::array values = dense(array);
  const auto extents = shape_of(values);
  Shape shape(extents.begin(), extents.end());
  const py::object owner = owner_of(values);
  if (py::isinstance<Buffer>(owner)) {
    const auto bytes = owner.cast<const Buffer&>().bytes;
    if (static_cast<const void*>(bytes->data()) == values.data() && bytes->size() == values.nbytes()) {
      return graph.add_constant(graph::make_constant(dtype, std::move(shape), graph::ConstantBytes(bytes)), name);
    }
  }
  if (!PyBytes_Check(owner.ptr())) return graph.add_constant(dtype, std::move(shape), values.data(), name);
  const std::shared_ptr<const void> data(values.data(), [held = new py::array(values)](const void*) {
    const py::gil_scoped_acquire acquire;  // any thread may be the last to hold it
    delete held;
  });
  graph::ConstantBytes bytes(data, values.nbytes());
  return graph.add_constant(graph::make_constant(dtype, std::move(shape), std::move(bytes)), name);
}

py::object spec_tuple(const TensorSpec& spec) {
  return py::make_tuple(spec.name, dtype_name(spec.dtype), py::cast(spec.shape));
}

// The inputs of one call, in the network's order. `arrays` and `shapes` keep the memory of `views` alive.
struct Feed {
  std::vector<py::array> arrays;
  std::list<Shape> shapes;
  std::vector<TensorView> views;
};

void check_names(const Network& network, const py::dict& feed) {
  for (const TensorSpec& spec : network.inputs()) {
    if (!feed.contains(spec.name)) value_error("network: input '", spec.name, "' is required, got none");
  }
  if (feed.size() == network.inputs().size()) return;
  for (const auto& [key, value] : feed) {
    const std::string name = py::str(key);
    bool known = false;
    for (const TensorSpec& spec : network.inputs()) known = known || spec.name == name;
    if (!known) value_error("network: inputs must be the network's, got '", name, "'");
  }
}

void add_array(Feed& feed, const std::string& name, const py::object& value) {
  if (!py::isinstance<py::array>(value)) {
    throw TypeError(
        concat("input '", name, "': must be a NumPy array, got ", py::str(py::type::of(value)).cast<std::string>()));
  }
  const DType dtype = dtype_of(value, "input '" + name + "'");
  feed.arrays.push_back(dense(value));
  feed.views.push_back({dtype, shape_of(feed.arrays.back()), feed.arrays.back().data()});
}

Feed feed_of(const Network& network, const py::dict& values) {
  check_names(network, values);
  Feed feed;
  for (const TensorSpec& spec : network.inputs()) add_array(feed, spec.name, values[py::str(spec.name)]);
  return feed;
}

// For plans without a run: an input may also be given by its shape.
Feed feed_of_shapes(const Network& network, const py::dict& values) {
  check_names(network, values);
  Feed feed;
  for (const TensorSpec& spec : network.inputs()) {
    const py::object value = values[py::str(spec.name)];
    if (py::isinstance<py::array>(value)) {
      add_array(feed, spec.name, value);
    } else {
      feed.shapes.push_back(value.cast<Shape>());
      feed.views.push_back({spec.dtype, feed.shapes.back(), nullptr});
    }
  }
  return feed;
}

std::shared_ptr<const Plan> plan_for(Network& network, const Feed& feed) {
  const py::gil_scoped_release release;
  return network.plan(feed.views);
}

// Pointers to a feed's inputs and to fresh arrays for a plan's outputs.
struct Buffers {
  std::vector<const void*> inputs;
  std::vector<py::array> arrays;
  std::vector<void*> outputs;

  Buffers(const Feed& feed, const Plan& plan) {
    for (const TensorView& view : feed.views) inputs.push_back(view.data);
    for (const TensorSpec& spec : plan.outputs) {
      arrays.push_back(new_array(py::dtype(dtype_name(spec.dtype)), {spec.shape.begin(), spec.shape.end()}));
      outputs.push_back(arrays.back().mutable_data());
    }
  }
};

std::vector<py::array> run(Network& network, const py::dict& values) {
  const Feed feed = feed_of(network, values);
  const auto plan = plan_for(network, feed);
  Buffers buffers(feed, *plan);
  {
    const py::gil_scoped_release release;
    Network::Lease lease(network, *plan);
    plan->run(lease.state(), buffers.inputs.data(), buffers.outputs.data());
  }
  return std::move(buffers.arrays);
}

py::dict step_dict(const graph::PlannedStep& step) {
  py::dict d;
  d["name"] = step.name;
  d["op"] = step.op->name;
  d["epilogue"] = step.epilogue;
  d["algorithm"] = step.step->describe();
  d["convolution"] = step.step->choice_key();
  d["alternatives"] = step.step->alternatives();
  d["flops"] = step.flops();
  d["turns"] = step.turns;
  d["bytes"] = step.bytes;
  d["shape"] = step.output.shape;
  d["format"] = step.format == graph::Format::plain ? "plain" : "channels_last";
  return d;
}

py::list profile(Network& network, const py::dict& values, int runs) {
  if (runs < 1) value_error("profile: runs must be >= 1, got ", runs);
  const Feed feed = feed_of(network, values);
  const auto plan = plan_for(network, feed);
  Buffers buffers(feed, *plan);
  std::vector<double> ms;
  {
    const py::gil_scoped_release release;
    Network::Lease lease(network, *plan);
    ms = plan->time_steps(lease.state(), buffers.inputs.data(), buffers.outputs.data(), runs);
  }
  py::list rows;
  for (size_t i = 0; i < plan->steps.size(); ++i) {
    py::dict row = step_dict(plan->steps[i]);
    row["ms"] = ms[i];
    rows.append(row);
  }
  return rows;
}

py::dict plan_summary(Network& network, const py::dict& values) {
  const auto plan = plan_for(network, feed_of_shapes(network, values));
  py::list steps;
  for (const graph::PlannedStep& step : plan->steps) steps.append(step_dict(step));
  py::list outputs;
  for (const TensorSpec& spec : plan->outputs) outputs.append(spec_tuple(spec));
  py::dict d;
  d["arena_bytes"] = plan->arena_bytes;
  d["unshared_bytes"] = plan->unshared_bytes;
  d["workspace_bytes"] = plan->workspace_bytes;
  d["constants_bytes"] = plan->constants_bytes;
  d["steps"] = steps;
  d["outputs"] = outputs;
  return d;
}

}  // namespace

void register_graph(py::module_& m) {
  py::class_<Buffer>(m, "Buffer", py::buffer_protocol())
      .def(py::init<int64_t>(), py::arg("size"))
      .def_buffer([](Buffer& buffer) {
        return py::buffer_info(reinterpret_cast<uint8_t*>(buffer.bytes->data()),
                               static_cast<py::ssize_t>(buffer.bytes->size()));
      });

  py::class_<Graph>(m, "Graph")
      .def(py::init<>())
      .def(
          "input",
          [](Graph& g, const std::string& name, const std::string& dtype, const Shape& shape) {
            return g.add_input(name, graph::parse_dtype(dtype), shape);
          },
          py::arg("name"), py::arg("dtype"), py::arg("shape"))
      .def("constant", &constant, py::arg("array"), py::arg("name") = "")
      .def("add", &add, py::arg("op"), py::arg("inputs"), py::arg("attributes") = py::dict(), py::arg("outputs") = 1,
           py::arg("name") = "")
      .def("output", &Graph::add_output, py::arg("value"), py::arg("name"));

  py::class_<Network>(m, "Network")
      // The graph is handed over: who keeps it has an empty one.
      .def(py::init([](Graph& g, const std::string& precision, int max_plans,
                       std::map<std::string, std::string> algorithms, int64_t l2_bytes) {
             const py::gil_scoped_release release;
             return std::make_unique<Network>(
                 std::exchange(g, {}), graph::NetworkOptions{precision, max_plans, std::move(algorithms), l2_bytes});
           }),
           py::arg("graph"), py::arg("precision") = "highest", py::arg("max_plans") = 8,
           py::arg("algorithms") = std::map<std::string, std::string>(), py::arg("l2_bytes") = 0)
      .def("plan_ahead", &Network::plan_ahead, py::call_guard<py::gil_scoped_release>())
      .def("run", &run, py::arg("inputs"))
      .def("profile", &profile, py::arg("inputs"), py::arg("runs") = 10)
      .def("plan_summary", &plan_summary, py::arg("inputs"))
      .def_property_readonly("plan_count", &Network::plan_count)
      .def_property_readonly("inputs",
                             [](const Network& network) {
                               py::list specs;
                               for (const TensorSpec& spec : network.inputs()) specs.append(spec_tuple(spec));
                               return specs;
                             })
      .def_property_readonly("outputs", [](const Network& network) {
        py::list specs;
        const auto known = network.outputs();
        for (size_t i = 0; i < known.size(); ++i) {
          specs.append(known[i] ? spec_tuple(*known[i])
                                : py::make_tuple(network.output_names()[i], py::none(), py::none()));
        }
        return specs;
      });

  // The stretches (first, end, turns) of nodes given as (images, works, activations, weights): see images.h.
  m.def(
      "choose_stretches",
      [](const std::vector<std::tuple<int64_t, bool, int64_t, int64_t>>& nodes, int64_t l2_bytes, int64_t threads) {
        std::vector<graph::ImageCost> costs;
        for (const auto& [images, works, activations, weights] : nodes) {
          costs.push_back({images, works, activations, weights});
        }
        std::vector<std::tuple<size_t, size_t, int64_t>> chosen;
        for (const graph::Stretch& s : graph::choose_stretches(costs, l2_bytes, threads)) {
          chosen.emplace_back(s.first, s.end, s.turns);
        }
        return chosen;
      },
      py::arg("nodes"), py::arg("l2_bytes"), py::arg("threads"));

  // The table of operators: {name: {"inputs": (least, most), "outputs": (least, most), "attributes": {name: type}}},
  // most None where any number will do.
  m.def("operators", [] {
    constexpr const char* kTypes[] = {"int", "float", "str", "ints"};
    const auto limits = [](const graph::Arity& arity) {
      const bool any = arity.most == graph::Arity::kAny;
      return py::make_tuple(arity.least, any ? py::object(py::none()) : py::int_(arity.most));
    };
    py::dict table;
    for (const graph::OpDef* op : graph::all_ops()) {
      py::dict attributes, row;
      for (const graph::AttributeDef& attribute : op->attributes) attributes[attribute.name] = kTypes[attribute.type];
      row["inputs"] = limits(op->inputs);
      row["outputs"] = limits(op->outputs);
      row["attributes"] = attributes;
      table[op->name] = row;
    }
    return table;
  });
}

}  // namespace fastconv::python
