// What only a C++ caller sees of fastconv::Network: that runs allocate nothing, that many threads share one, and which
// errors it throws. Built and run by test_network.py; prints each check that fails, and "done".
#include <fastconv/fastconv.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<long> allocations{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes) != 0)
    throw std::bad_alloc();
  return memory;
}

}  // namespace

// The library calls these too.
void* operator new(std::size_t bytes) {
  return allocate(bytes, 16);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

using fastconv::DataType;
using fastconv::InputView;
using fastconv::OutputView;
using Shape = std::vector<int64_t>;

void check(bool holds, const std::string& what) {
  if (!holds) std::printf("failed: %s\n", what.c_str());
}

// The message must begin with `expected`.
template <class Fn>
void check_refused(const std::string& expected, const Fn& fn) {
  try {
    fn();
    std::printf("failed: accepted, not \"%s\"\n", expected.c_str());
  } catch (const std::invalid_argument& error) {
    const std::string what = error.what();
    check(what.compare(0, expected.size(), expected) == 0, what + " -- must be -- " + expected);
  }
}

std::vector<float> numbers(size_t count, unsigned seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int>(seed >> 20) - 2048) / 2048;
  }
  return values;
}

size_t count_of(const Shape& shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

// Images of any size (or of `size`) to half as large ones, and where their maxima were.
fastconv::GraphBuilder make_graph(int64_t size = fastconv::kDynamic) {
  fastconv::GraphBuilder graph;
  const auto x = graph.add_input("x", DataType::float32, {size == fastconv::kDynamic ? size : 1, 8, size, size});
  const auto w = graph.add_constant(DataType::float32, {16, 8, 3, 3}, numbers(16 * 8 * 9, 7).data(), "w");
  const auto y = graph.add("conv", {x, w, fastconv::kNoValue}, {{"pads_begin", {1, 1}}, {"pads_end", {1, 1}}}, "conv1");
  const auto pool = graph.add("max_pool", {graph.add("leaky_relu", {y}, {{"alpha", 0.25}})},
                              {{"kernel", {2, 2}}, {"strides", {2, 2}}, {"indices", "plane"}, {"ceil_mode", 0}}, 2);
  graph.add_output(pool[0], "y");
  graph.add_output(pool[1], "places");
  return graph;
}

struct Job {
  Shape in, out;
  std::vector<float> x, y;
  std::vector<int64_t> places;

  Job(int64_t batch, int64_t height, int64_t width)
      : in{batch, 8, height, width},
        out{batch, 16, height / 2, width / 2},
        x(numbers(count_of(in), static_cast<unsigned>(height))),
        y(count_of(out)),
        places(count_of(out)) {}
  void run(const fastconv::Network& network) { network.run({{x.data(), in}}, {{y.data(), out}, {places.data(), out}}); }
};

void check_allocations() {
  const fastconv::Network network(make_graph());
  std::vector<Job> jobs;
  for (int i = 0; i < 3; ++i) jobs.emplace_back(1 + i % 2, 8 + 4 * i, 10 + 6 * i);
  for (Job& job : jobs) job.run(network);
  for (Job& job : jobs) job.run(network);
  const long before = allocations;
  for (int i = 0; i < 30; ++i) jobs[i % jobs.size()].run(network);
  const long made = allocations - before;
  check(made == 0, "a run allocates nothing: " + std::to_string(made) + " allocations");
  Job job(1, 30, 30);
  const long counted = allocations;
  job.run(network);
  check(allocations > counted + 10, "the count sees the library's allocations");
}

void check_first_run() {
  const auto allocations_of = [](const fastconv::Network& network) {
    Job job(1, 8, 8);
    const long before = allocations;
    job.run(network);
    return allocations - before;
  };
  const long with_plan = allocations_of(fastconv::Network(make_graph()));
  const long fixed = allocations_of(fastconv::Network(make_graph(8)));
  check(4 * fixed < with_plan, "a network of fixed inputs has its plan before it runs: " + std::to_string(fixed) +
                                   " allocations, with a plan " + std::to_string(with_plan));
  check_refused("conv 'conv1': input size must be >= 1, got 0", [] { fastconv::Network(make_graph(0)); });
}

void check_threads() {
  fastconv::NetworkOptions options;
  options.max_plans = 3;  // plans come and go meanwhile
  const fastconv::Network network(make_graph(), options), alone(make_graph());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  std::vector<Job> expected;
  for (int i = 0; i < 8; ++i) {
    expected.emplace_back(1 + i % 3, 6 + 2 * i, 24 - 2 * i);
    expected.back().run(alone);
  }
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = i; k < i + 24; ++k) {
        const Job& wanted = expected[k % 8];
        Job job(wanted.in[0], wanted.in[2], wanted.in[3]);
        job.run(network);
        wrong += std::memcmp(job.y.data(), wanted.y.data(), job.y.size() * sizeof(float)) != 0;
        wrong += job.places != wanted.places;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  check(wrong == 0, "threads get what a serial run gets");
}

void check_errors() {
  fastconv::GraphBuilder graph = make_graph();
  check_refused("conv 'c': inputs must be 2 to 3, got 1", [&] { graph.add("conv", {0}, {}, "c"); });
  check_refused("conv 'c': attribute 'stride' is unknown; known: strides, ",
                [&] { graph.add("conv", {0, 1}, {{"stride", {2, 2}}}, "c"); });
  check_refused("input 'z': extents must be >= 0", [&] { graph.add_input("z", DataType::float32, {-2}); });
  check_refused("type: must be a DataType, got 77", [&] { graph.add_input("z", static_cast<DataType>(77), {1}); });
  check_refused("constant 'k': data must not be null", [&] { graph.add_constant(DataType::int8, {1}, nullptr, "k"); });
  check_refused("network: outputs must be >= 1", [] { fastconv::Network{fastconv::GraphBuilder()}; });
  check_refused("precision: must be one of highest, high, medium, got exact", [&] {
    fastconv::NetworkOptions options;
    options.precision = "exact";
    fastconv::Network{graph, options};
  });

  const fastconv::Network network(graph);
  Job job(1, 8, 8);
  job.run(network);
  const std::vector<float> expected = job.y;
  const InputView x{job.x.data(), job.in};
  const OutputView y{job.y.data(), job.out}, places{job.places.data(), job.out};
  const Shape narrow{1, 7, 8, 8}, flat{1, 16, 16};
  check_refused("network: inputs must be 1, got 0", [&] { network.run({}, {y, places}); });
  check_refused("network: outputs must be 2, got 1", [&] { network.run({x}, {y}); });
  check_refused("input 'x': shape must be [?, 8, ?, ?], got [1, 7, 8, 8]",
                [&] { network.run({{job.x.data(), narrow}}, {y, places}); });
  check_refused("input 'x': dtype must be float32, got int64",
                [&] { network.run({{job.places.data(), job.in}}, {y, places}); });
  check_refused("input 'x': data must not be null",
                [&] { network.run({{static_cast<const float*>(nullptr), job.in}}, {y, places}); });
  check_refused("input 'x': shape must not be null",
                [&] { network.run({{DataType::float32, nullptr, 4, job.x.data()}}, {y, places}); });
  check_refused("output 'y': shape must be [1, 16, 4, 4], got [1, 16, 16]",
                [&] { network.run({x}, {{job.y.data(), flat}, places}); });
  check_refused("output 'places': type must be int64, got float32", [&] { network.run({x}, {y, y}); });
  check_refused("output 'y': data must not be null",
                [&] { network.run({x}, {{static_cast<float*>(nullptr), job.out}, places}); });
  job.y.assign(job.y.size(), 0);
  job.run(network);
  check(job.y == expected, "errors leave the network usable");
}

void check_specs() {
  fastconv::Network network(make_graph());
  check(network.inputs().size() == 1 && network.inputs()[0].name == "x", "inputs");
  check(network.inputs()[0].shape == Shape{-1, 8, -1, -1}, "an input's shape");
  const auto open = network.outputs();
  check(open.size() == 2 && open[1].name == "places" && open[1].type == DataType::int64 && open[1].known, "outputs");
  check(open[0].shape == Shape{-1, 16, -1, -1}, "an open output's shape");
  const Shape shape{3, 8, 9, 7};
  const auto fixed = network.outputs({{DataType::float32, shape.data(), shape.size(), nullptr}});
  check(fixed[0].shape == Shape{3, 16, 4, 3}, "a fixed output's shape");
  Job none(0, 8, 8);
  none.run(network);  // a batch of none
  const fastconv::Network moved = std::move(network);
  Job job(1, 8, 8);
  job.run(moved);
}

}  // namespace

int main() {
  check_allocations();
  check_first_run();
  check_threads();
  check_errors();
  check_specs();
  std::printf("done\n");
  return 0;
}
