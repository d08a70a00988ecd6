// A small network from C++: the edges of a disc that look right and down, pooled, printed as text.
#include <fastconv/fastconv.h>

#include <cstdio>
#include <vector>

int main() {
  constexpr int kSize = 12;
  std::vector<float> picture(kSize * kSize);
  for (int h = 0; h < kSize; ++h) {
    for (int w = 0; w < kSize; ++w) {
      const int from_centre = (2 * h - kSize + 1) * (2 * h - kSize + 1) + (2 * w - kSize + 1) * (2 * w - kSize + 1);
      picture[h * kSize + w] = from_centre < kSize * kSize / 2 ? 1 : 0;
    }
  }
  const float sobel[] = {1, 0, -1, 2, 0, -2, 1, 0, -1, 1, 2, 1, 0, 0, 0, -1, -2, -1};

  // [readme-network]
  using fastconv::DataType;
  fastconv::GraphBuilder graph;
  const auto x = graph.add_input("picture", DataType::float32, {1, 1, -1, -1});  // -1: of any size
  const auto filters = graph.add_constant(DataType::float32, {2, 1, 3, 3}, sobel);
  const auto edges = graph.add("conv", {x, filters}, {{"pads_begin", {1, 1}}, {"pads_end", {1, 1}}});
  const auto seen = graph.add("relu", {edges});
  graph.add_output(graph.add("max_pool", {seen}, {{"kernel", {2, 2}}, {"strides", {2, 2}}}), "edges");
  const fastconv::Network network(graph);  // one object for all threads; plans each size it meets once

  const std::vector<int64_t> size{1, 1, kSize, kSize}, half{1, 2, kSize / 2, kSize / 2};
  std::vector<float> result(2 * (kSize / 2) * (kSize / 2));
  network.run({{picture.data(), size}}, {{result.data(), half}});
  // [readme-network]

  for (int row = 0; row < 2 * (kSize / 2); ++row) {
    for (int w = 0; w < kSize / 2; ++w) std::printf("%3.0f", result[row * (kSize / 2) + w]);
    std::printf("\n");
  }

  try {
    network.run({{picture.data(), size}}, {{result.data(), size}});
  } catch (const std::invalid_argument& error) {
    std::printf("refused: %s\n", error.what());
  }
  try {
    graph.add("conv", {x}, {}, "conv1");
  } catch (const std::invalid_argument& error) {
    std::printf("refused: %s\n", error.what());
  }
  return 0;
}
