// Benchmarks every row of shapes/conv_shapes.csv (batch 1, channels last) through the public C++ API. FASTCONV_ISA and
// FASTCONV_NUM_THREADS choose as usual; the label says which algorithm and kernel ran.
#include <benchmark/benchmark.h>
#include <fastconv/fastconv.h>

#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

std::vector<int64_t> axes(const Row& row, const char* prefix) {
  const int rank = std::stoi(row.at("ndim"));
  std::vector<int64_t> values;
  for (const char axis : std::string("dhw").substr(3 - static_cast<size_t>(rank))) {
    values.push_back(std::stoll(row.at(std::string(prefix) + axis)));
  }
  return values;
}

fastconv::ConvDescription description(const Row& row) {
  fastconv::ConvDescription d;
  d.layout = "NHWC";
  d.transposed = row.at("transposed") == "1";
  d.in_channels = std::stoll(row.at("c"));
  d.out_channels = std::stoll(row.at("k"));
  d.groups = std::stoll(row.at("groups"));
  d.input_size = axes(row, "i");
  d.kernel_size = axes(row, "k");
  d.stride = axes(row, "s");
  d.dilation = axes(row, "dil");
  d.padding_begin = axes(row, "pb");
  d.padding_end = axes(row, "pe");
  for (int64_t& end : d.padding_end) {  // a transposed row writes output padding as a negative end
    d.output_padding.push_back(d.transposed && end < 0 ? -end : 0);
    end += d.output_padding.back();
  }
  return d;
}

int64_t product(const std::vector<int64_t>& values) {
  int64_t result = 1;
  for (const int64_t value : values) result *= value;
  return result;
}

std::vector<float> random_floats(int64_t count) {
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> draw(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = draw(generator);
  return values;
}

void run(benchmark::State& state, const fastconv::ConvDescription& d) {
  const int64_t window = product(d.kernel_size) * d.in_channels * d.out_channels / d.groups;
  const std::vector<float> weights = random_floats(window);
  const fastconv::Conv conv(d, weights.data());
  const std::vector<float> x = random_floats(d.in_channels * product(d.input_size));
  const int64_t outputs = product(conv.output_shape());
  std::vector<float> y(static_cast<size_t>(outputs));
  std::vector<char> memory(static_cast<size_t>(conv.workspace_bytes()) + 64);
  void* workspace = memory.data();
  size_t space = memory.size();
  std::align(64, static_cast<size_t>(conv.workspace_bytes()), workspace, space);
  for (auto _ : state) {
    conv.run(x.data(), y.data(), workspace);
    benchmark::ClobberMemory();
  }
  const int64_t grid = d.transposed ? product(d.input_size) : outputs / d.out_channels;
  const double flops = 2.0 * static_cast<double>(grid) * static_cast<double>(window);
  state.counters["GF"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(conv.algorithm()) + " " + conv.kernel());
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::ifstream file(FASTCONV_SHAPES);
  std::string line;
  if (!std::getline(file, line)) {
    std::cerr << "bench_conv: cannot read " << FASTCONV_SHAPES << "\n";
    return 1;
  }
  const std::vector<std::string> names = split(line);
  for (int number = 1; std::getline(file, line); ++number) {
    const std::vector<std::string> fields = split(line);
    Row row;
    for (size_t i = 0; i < names.size() && i < fields.size(); ++i) row[names[i]] = fields[i];
    const std::string name = row["suite"] + "/" + row["name"] + "/row:" + std::to_string(number);
    benchmark::RegisterBenchmark(name.c_str(), [d = description(row)](benchmark::State& state) { run(state, d); });
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
