#include "conv/tap_source.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/threads.h"
#include "conv/tap_weights.h"

namespace fastconv {
namespace {

template <class Element>
constexpr bool kSplits = !std::is_same_v<Element, float>;

}  // namespace

template <class Element>
TapSource<Element>::TapSource(const ConvProblem& problem, const ConvOptions& options,
                              const std::vector<AxisTaps>& widths, int pieces)
    : p_(problem),
      options_(options),
      quantize_(choose_quantize_bf16(options.isa)),
      pieces_(pieces),
      channels_(tap_channels<Element>(problem)),
      converts_(kSplits<Element> && !options.src_pieces.count) {
  int64_t low = 0, high = p_.in[2];
  for (const AxisTaps& taps : widths) {
    if (taps.base.empty() || taps.count == 0) continue;
    low = std::min(low, taps.base.front());
    high = std::max(high, taps.base.back() + (taps.count - 1) * taps.src_step + 1);
  }
  const bool reaches_outside = low < 0 || high > p_.in[2];
  gathers_ = converts_ && p_.taps() == 1 && !reaches_outside;
  copies_ = reaches_outside || (converts_ && !gathers_);
  border_ = copies_ ? -low : 0;
  width_ = copies_ ? high - low : p_.in[2];
  pixel_ = copies_ ? dense_pixel() : stride();
  plane_ = copies_ ? plane_size(p_.in[0] * p_.in[1] * width_) : options_.src_pieces.stride;
}

// Of so many pixels; each plane begins where the first does in a line.
template <class Element>
int64_t TapSource<Element>::plane_size(int64_t pixels) const {
  return round_up(checked_mul(pixels, dense_pixel()), kAlignment / static_cast<int64_t>(sizeof(Element)));
}

template <class Element>
int64_t TapSource<Element>::bytes(int64_t shares) const {
  const int64_t planes = gathers_ ? pieces_ * shares : copies_ ? pieces_ : 0;
  return checked_mul(checked_mul(planes, plane_), static_cast<int64_t>(sizeof(Element)));
}

// Elements, or floats to be converted, from a pixel of the source to the next.
template <class Element>
int64_t TapSource<Element>::stride() const {
  return kSplits<Element> && !converts_ ? dense_pixel() : options_.src_pixel_stride;
}

template <class Element>
const Element* TapSource<Element>::elements(const ConvBuffers& buffers, int64_t pixel) const noexcept {
  if constexpr (kSplits<Element>) return buffers.src_pieces + pixel * stride();
  return reinterpret_cast<const Element*>(buffers.src) + pixel * stride();
}

template <class Element>
void TapSource<Element>::convert_pixels(const float* src, int64_t stride, int64_t count, Element* to) const noexcept {
  if constexpr (kSplits<Element>) {
    const int64_t c = p_.group_c();
    if (p_.groups == 1 || c % kProducts<Element> == 0) {
      quantize_.fn({src, stride, to, dense_pixel(), count, p_.c, pieces_, plane_});
    } else {
      for (int64_t i = 0; i < count; ++i) {
        quantize_.fn({src + i * stride, c, to + i * dense_pixel(), channels_, p_.groups, c, pieces_, plane_});
      }
    }
  }
}

// The same of a source that needs no conversion.
template <class Element>
void TapSource<Element>::copy_pixels(const Element* src, int64_t count, Element* to) const noexcept {
  const int64_t size = dense_pixel(), step = stride();
  for (int piece = 0; piece < pieces_; ++piece, src += options_.src_pieces.stride, to += plane_) {
    if (step == size) {
      std::memcpy(to, src, static_cast<size_t>(count * size) * sizeof(Element));
    } else {
      for (int64_t i = 0; i < count; ++i) {
        std::memcpy(to + i * size, src + i * step, static_cast<size_t>(size) * sizeof(Element));
      }
    }
  }
}

template <class Element>
void TapSource<Element>::copy_rows(const ConvBuffers& buffers, int64_t first, Element* copy) const noexcept {
  const int64_t rows = p_.in[0] * p_.in[1], after = width_ - border_ - p_.in[2];
  parallel_for(rows, 1 + (1 << 14) / (width_ * p_.c), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      Element* to = copy + row * width_ * pixel_;
      const int64_t pixel = first + row * p_.in[2];
      if (converts_) {
        convert_pixels(buffers.src + pixel * stride(), stride(), p_.in[2], to + border_ * pixel_);
      } else {
        copy_pixels(elements(buffers, pixel), p_.in[2], to + border_ * pixel_);
      }
      for (int piece = 0; piece < pieces_; ++piece, to += plane_) {
        std::fill_n(to, border_ * pixel_, Element{});
        std::fill_n(to + (border_ + p_.in[2]) * pixel_, after * pixel_, Element{});
      }
    }
  });
}

template class TapSource<float>;
template class TapSource<Bf16Pair>;

}  // namespace fastconv
