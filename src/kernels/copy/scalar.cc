// The portable copy kernels.
#include "simd/scalar.h"

namespace fastconv {
namespace {

inline void transpose_block(simd::Vec (&rows)[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      const float t = rows[i].lane[j];
      rows[i].lane[j] = rows[j].lane[i];
      rows[j].lane[i] = t;
    }
  }
}

}  // namespace
}  // namespace fastconv

#include "kernels/copy/generic.h"

namespace fastconv {
namespace {

template <int kSize>
struct Element {
  char bytes[kSize];
};

template <int kSize>
void copy_elements(const CopyPanel& p) {
  const auto* src = reinterpret_cast<const Element<kSize>*>(p.src);
  auto* dst = reinterpret_cast<Element<kSize>*>(p.dst);
  for (int64_t r = 0; r < p.rows; ++r, src += p.src_row, dst += p.dst_row) {
    if (p.src_col == 0 && p.dst_col == 1) {  // a fill: worth its own loop, which compilers turn into vector stores
      const Element<kSize> value = *src;
      for (int64_t c = 0; c < p.cols; ++c) dst[c] = value;
    } else {
      for (int64_t c = 0; c < p.cols; ++c) dst[c * p.dst_col] = src[c * p.src_col];
    }
  }
}

}  // namespace

void copy_runs__scalar(const CopyPanel& p) noexcept {
  for (int64_t r = 0; r < p.rows; ++r) {
    std::memcpy(p.dst + r * p.dst_row * p.element_size, p.src + r * p.src_row * p.element_size,
                static_cast<size_t>(p.cols * p.element_size));
  }
}
void copy_x1__scalar(const CopyPanel& p) noexcept {
  copy_elements<1>(p);
}
void copy_x2__scalar(const CopyPanel& p) noexcept {
  copy_elements<2>(p);
}
void copy_x4__scalar(const CopyPanel& p) noexcept {
  copy_elements<4>(p);
}
void copy_x8__scalar(const CopyPanel& p) noexcept {
  copy_elements<8>(p);
}
void transpose_x4__scalar(const CopyPanel& p) noexcept {
  transpose_panel(p);
}

}  // namespace fastconv
