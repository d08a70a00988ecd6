"""Pooling: a number for each window of each channel. Max, average and the adaptive versions of both.

Windows overlap, leave gaps and hang over the edges as they like; cells outside the image never win a maximum, and
whether they count in an average is the caller's choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._shapes import (
    Array,
    Padding,
    Pads,
    PerAxis,
    at,
    axis_pads,
    channels_first,
    for_each_rank,
    like_input,
    pad_spatial,
    per_axis,
    pool_output_size,
    tap_cells,
)


def max_pool(
    ndim: int,
    x: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Array | tuple[Array, Array]:
    """Largest cell of each window, as `torch.nn.functional.max_pool*d`.

    Parameters
    ----------
    x : array
        (N, C, *spatial), or (N, *spatial, C) for layout "NHWC"; the batch axis may be absent.
    kernel_size, dilation : int or one int per axis
    stride : int or one int per axis, optional
        The kernel's size by default.
    padding : int, or one int or (before, after) pair per axis
        Counts as minus infinity.
    ceil_mode : bool
        Also pool the last, incomplete window (see `pool_output_size`).
    return_indices : bool
        Also return, as int64, each maximum's place in its flattened (spatial) channel: the first of equals.
        A NaN wins over every number.
    layout : "NCHW" or "NHWC"

    Returns
    -------
    array of float64, or a pair (values, indices)
    """
    kernel, dilation = per_axis(kernel_size, ndim), per_axis(dilation, ndim)
    stride = kernel if stride is None else per_axis(stride, ndim)
    pads = axis_pads(padding, ndim)
    source = channels_first(x, ndim, layout)
    spatial = source.shape[2:]
    out = tuple(pool_output_size(*axis, ceil_mode) for axis in zip(spatial, kernel, stride, pads, dilation))

    reach = _reaching_pads(spatial, kernel, stride, pads, dilation, out)
    padded = pad_spatial(source, reach, -np.inf)
    places = np.arange(math.prod(spatial)).reshape(1, 1, *spatial)
    padded_places = pad_spatial(places, reach, -1)

    best = np.full(source.shape[:2] + out, -np.inf)
    best_place = np.full(best.shape, -1, np.int64)
    for tap in np.ndindex(*kernel):
        cells = tap_cells(tap, stride, dilation, out)
        value, place = padded[cells], padded_places[cells]
        wins = (place >= 0) & ((value > best) | np.isnan(value) | (best_place < 0))
        best = np.where(wins, value, best)
        best_place = np.where(wins, place, best_place)
    values = like_input(best, x, layout)
    return (values, like_input(best_place, x, layout)) if return_indices else values


def avg_pool(
    ndim: int,
    x: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    layout: str = "NCHW",
) -> Array:
    """Mean of each window, as `torch.nn.functional.avg_pool*d`.

    Parameters
    ----------
    x : array
        (N, C, *spatial), or (N, *spatial, C) for layout "NHWC"; the batch axis may be absent.
    kernel_size : int or one int per axis
    stride : int or one int per axis, optional
        The kernel's size by default.
    padding : int, or one int or (before, after) pair per axis
    ceil_mode : bool
        Also pool the last, incomplete window; the cells it lacks beyond the padding never count.
    count_include_pad : bool
        Whether cells of the padding count in the divisor.
    divisor_override : int, optional
        Divide by this instead.
    layout : "NCHW" or "NHWC"

    Returns
    -------
    array of float64
    """
    kernel = per_axis(kernel_size, ndim)
    stride = kernel if stride is None else per_axis(stride, ndim)
    pads, dilation = axis_pads(padding, ndim), (1,) * ndim
    source = channels_first(x, ndim, layout)
    spatial = source.shape[2:]
    out = tuple(pool_output_size(*axis, ceil_mode) for axis in zip(spatial, kernel, stride, pads, dilation))

    reach = _reaching_pads(spatial, kernel, stride, pads, dilation, out)
    padded = pad_spatial(source, reach, 0.0)
    counted = pad_spatial(np.ones((1, 1, *spatial)), pads, float(count_include_pad))
    padded_counted = pad_spatial(counted, [(0, r[1] - p[1]) for r, p in zip(reach, pads)], 0.0)

    total, count = np.zeros(source.shape[:2] + out), np.zeros((1, 1, *out))
    for tap in np.ndindex(*kernel):
        cells = tap_cells(tap, stride, dilation, out)
        total += padded[cells]
        count += padded_counted[cells]
    divisor = np.maximum(count, 1) if divisor_override is None else divisor_override
    return like_input(total / divisor, x, layout)


def adaptive_avg_pool(
    ndim: int, x: ArrayLike, output_size: int | Sequence[int | None], *, layout: str = "NCHW"
) -> Array:
    """Mean of the i-th of `output_size` nearly equal, possibly overlapping parts of each axis, as torch's.

    Part i of n covers the cells from floor(i * size / n) up to ceil((i + 1) * size / n).

    Parameters
    ----------
    x : array
        (N, C, *spatial), or (N, *spatial, C) for layout "NHWC"; the batch axis may be absent.
    output_size : int, or one int or None per axis
        None keeps the axis' size.
    layout : "NCHW" or "NHWC"

    Returns
    -------
    array of float64
    """
    source = channels_first(x, ndim, layout)
    y = np.empty(source.shape[:2] + _adaptive_sizes(source, output_size))
    for position, part in _adaptive_parts(source.shape[2:], y.shape[2:]):
        y[at(position)] = source[at(part)].mean(axis=tuple(range(2, ndim + 2)))
    return like_input(y, x, layout)


def adaptive_max_pool(
    ndim: int,
    x: ArrayLike,
    output_size: int | Sequence[int | None],
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Array | tuple[Array, Array]:
    """Largest cell of the parts that `adaptive_avg_pool*d` averages; `return_indices` as for `max_pool*d`."""
    source = channels_first(x, ndim, layout)
    places = np.arange(math.prod(source.shape[2:])).reshape(source.shape[2:])
    y = np.empty(source.shape[:2] + _adaptive_sizes(source, output_size))
    y_places = np.empty(y.shape, np.int64)
    for position, part in _adaptive_parts(source.shape[2:], y.shape[2:]):
        part_places = places[at(part)].reshape(-1)
        cells = source[at(part)].reshape(*source.shape[:2], part_places.size)
        y[at(position)] = cells.max(axis=-1)
        y_places[at(position)] = part_places[cells.argmax(axis=-1)]
    values = like_input(y, x, layout)
    return (values, like_input(y_places, x, layout)) if return_indices else values


def _reaching_pads(
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[Pads],
    dilation: Sequence[int],
    out: Sequence[int],
) -> list[Pads]:
    """`pads`, with more at the end where `ceil_mode` lets the last window hang over them."""
    last = [(o - 1) * s + d * (r - 1) + 1 for o, s, d, r in zip(out, stride, dilation, kernel)]
    return [(p[0], max(p[1], end - n - p[0])) for p, end, n in zip(pads, last, spatial)]


def _adaptive_sizes(source: Array, output_size: int | Sequence[int | None]) -> tuple[int, ...]:
    return tuple(n if o is None else o for n, o in zip(source.shape[2:], per_axis(output_size, source.ndim - 2)))


def _adaptive_parts(spatial: Sequence[int], out: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each output position with the input cells that it pools."""
    for position in np.ndindex(*out):
        yield position, tuple(slice(i * n // o, -(-(i + 1) * n // o)) for i, n, o in zip(position, spatial, out))


max_pool1d, max_pool2d, max_pool3d = for_each_rank(max_pool)
avg_pool1d, avg_pool2d, avg_pool3d = for_each_rank(avg_pool)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = for_each_rank(adaptive_avg_pool)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = for_each_rank(adaptive_max_pool)
