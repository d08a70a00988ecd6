#include "conv/winograd_transforms.h"

#include "conv/taps.h"

namespace fastconv {
namespace {

// Elements from a pixel to the next one of a tile along an axis, in an image of the given width.
int64_t step(const WinogradAxis& axis, int64_t width, int64_t pixel_stride) {
  return axis.dilation * (axis.axis == 2 ? 1 : width) * pixel_stride;
}

// A pixel of a slice, counted from the slice's first.
int64_t at(const WinogradTiles& tiles, int64_t row, int64_t column, int64_t width) {
  return tiles.columns.axis == 2 ? row * width + column : column * width + row;
}

constexpr float kScale = 0x1p-30f;

}  // namespace

ConvProblem without_depth(ConvProblem p) {
  if (!slices_are_images(p)) return p;
  p.n *= p.in[0];
  p.in[0] = p.out[0] = 1;
  return p;
}

WinogradTransforms::WinogradTransforms(const ConvProblem& problem, const ConvOptions& options,
                                       const WinogradTiles& tiles, int m)
    : p_(problem),
      options_(options),
      tiles_(tiles),
      kernel_(*choose_winograd(m, tiles.columns.r, tiles.axes(), options.isa)),
      gemm_(choose_gemm_f32(options.isa)) {}

void WinogradTransforms::in(const float* src, const WinogradTile& tile, int64_t layer, int64_t channel,
                            int64_t channels, float* dst, int64_t point_stride) const noexcept {
  const Place t = place(tile, layer);
  const int64_t depth = t.slice - p_.pad_begin[0], width = p_.in[2], pixel_stride = options_.src_pixel_stride;
  const bool inside = depth >= 0 && depth < p_.in[0];
  const int64_t first = (tile.image * p_.in[0] + depth) * p_.in[1] * width;
  WinogradInputArgs args;
  args.row_stride = step(tiles_.rows, width, pixel_stride);
  args.pixel_stride = step(tiles_.columns, width, pixel_stride);
  args.channels = channels;
  args.point_stride = point_stride;
  args.src = src + (first + at(tiles_, t.row->pixel, t.column->pixel, width)) * pixel_stride + channel;
  args.row_begin = t.row->inside_begin;
  args.row_end = inside ? t.row->inside_end : 0;
  args.column_begin = t.column->inside_begin;
  args.column_end = t.column->inside_end;
  args.dst = dst;
  args.thin_rows = t.row->thin;
  args.thin_columns = t.column->thin;
  kernel_.fn(args);
}

WinogradOutputArgs WinogradTransforms::out(const ConvBuffers& b, const WinogradTile& tile, int64_t layer,
                                           int64_t column, int64_t columns, const float* sums, int64_t point_stride,
                                           bool streams) const noexcept {
  const Place t = place(tile, layer);
  const int64_t width = p_.out[2];
  const int64_t pixel =
      (tile.image * p_.out[0] + t.slice) * p_.out[1] * width + at(tiles_, t.row->first, t.column->first, width);
  WinogradOutputArgs args;
  args.src = sums;
  args.point_stride = point_stride;
  args.channels = columns;
  args.dst = b.dst + pixel * options_.dst_pixel_stride + column;
  args.row_stride = step(tiles_.rows, width, options_.dst_pixel_stride);
  args.pixel_stride = step(tiles_.columns, width, options_.dst_pixel_stride);
  args.rows = t.row->outputs;
  args.columns = t.column->outputs;
  args.thin_rows = t.row->thin;
  args.thin_columns = t.column->thin;
  args.only_finite = true;
  args.epilogue = epilogue_at(options_, b, pixel, step(tiles_.columns, width, 1), column, streams);
  args.residual_row = step(tiles_.rows, width, options_.residual_pixel_stride);
  return args;
}

void WinogradTransforms::gather_scaled(const float* src, const WinogradTile& tile, int64_t layer,
                                       float* pixels) const noexcept {
  const Place t = place(tile, layer);
  const int64_t depth = t.slice - p_.pad_begin[0], width = p_.in[2];
  for (int i = 0; i < tiles_.rows.size(); ++i) {
    for (int j = 0; j < tiles_.columns.size(); ++j, pixels += p_.c) {
      const bool inside = depth >= 0 && depth < p_.in[0] && i >= t.row->inside_begin && i < t.row->inside_end &&
                          j >= t.column->inside_begin && j < t.column->inside_end;
      const int64_t pixel =
          (tile.image * p_.in[0] + depth) * p_.in[1] * width +
          at(tiles_, t.row->pixel + i * tiles_.rows.dilation, t.column->pixel + j * tiles_.columns.dilation, width);
      const float* from = src + pixel * options_.src_pixel_stride;
      for (int64_t c = 0; c < p_.c; ++c) pixels[c] = inside ? from[c] * kScale : 0.0f;
    }
  }
}

void WinogradTransforms::in_scaled(const float* pixels, int64_t channel, int64_t channels, float* dst,
                                   int64_t point_stride) const noexcept {
  const int rows = tiles_.rows.size(), columns = tiles_.columns.size();
  kernel_.fn({pixels + channel, columns * p_.c, p_.c, 0, rows, 0, columns, channels, dst, point_stride, false, false});
}

void WinogradTransforms::out_scaled(const WinogradOutputArgs& out, int64_t done, const float* sums,
                                    int64_t point_stride, float* memory, int64_t row) const noexcept {
  const int width = tiles_.columns.m;
  kernel_.output(
      {sums, point_stride, out.channels, memory, width * row, row, 0, tiles_.rows.m, width, false, false, false, {}});
  const Epilogue& e = out.epilogue;
  for (int i = 0; i < out.rows; ++i) {
    for (int j = 0; j < out.columns; ++j) {
      float* const sum = memory + (i * width + j) * row;
      const int64_t pixel = i * out.row_stride + j * out.pixel_stride;
      for (int64_t c = done; c < out.channels; ++c) {
        sum[c] /= kScale;
        if (e.bias) sum[c] += e.bias[c];
        if (e.residual) sum[c] += e.residual[i * out.residual_row + j * e.residual_stride + c];
      }
      // A tap-GEMM without taps applies the function.
      gemm_.fn({nullptr,
                0,
                nullptr,
                0,
                0,
                nullptr,
                1,
                out.channels - done,
                out.dst + pixel + done,
                0,
                {nullptr, sum + done, 0, e.call}});
    }
  }
}

}  // namespace fastconv
