// A convolution from C++: an edge filter over a small picture of a disc, printed as text.
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

  // [readme]
  fastconv::ConvDescription description;
  description.in_channels = 1;
  description.out_channels = 1;
  description.input_size = {kSize, kSize};
  description.kernel_size = {3, 3};
  description.padding_begin = {1, 1};

  const float laplace[] = {0, 1, 0, 1, -4, 1, 0, 1, 0};
  const fastconv::Conv conv(description, laplace);  // checks, chooses and packs, once

  std::vector<float> edges(kSize * kSize);
  conv.run(picture.data(), edges.data());
  // [readme]

  std::printf("fastconv %s, %s, %s (%s)\n", fastconv::version(), fastconv::isa().c_str(), conv.algorithm(),
              conv.kernel());
  for (int h = 0; h < kSize; ++h) {
    for (int w = 0; w < kSize; ++w) std::printf("%3.0f", edges[h * kSize + w]);
    std::printf("\n");
  }

  try {
    description.stride = {0};
    fastconv::Conv refused(description, laplace);
  } catch (const std::invalid_argument& error) {
    std::printf("refused: %s\n", error.what());
  }
  return 0;
}
