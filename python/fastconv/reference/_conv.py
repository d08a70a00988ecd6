"""Convolution and transposed convolution as sums over taps, the cells of the kernel.

A tap meets every stride-th cell of the input, from an offset that is the tap times the dilation. A convolution gathers
along taps and a transposed convolution scatters along the same taps: one is the other's matrix transposed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ._shapes import (
    Array,
    Padding,
    PerAxis,
    at,
    axis_pads,
    channels_first,
    conv_output_size,
    conv_transpose_output_size,
    for_each_rank,
    like_input,
    pad_spatial,
    per_axis,
    same_padding,
    tap_cells,
)


def conv(
    ndim: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    *,
    layout: str = "NCHW",
) -> Array:
    """Convolution (cross-correlation) with zero padding, as `torch.nn.functional.conv*d`.

    Parameters
    ----------
    x : array
        (N, C, *spatial), or (N, *spatial, C) for layout "NHWC"; the batch axis may be absent.
    weight : array
        (K, C / groups, *kernel) in either layout.
    bias : array, optional
        (K,).
    stride, dilation : int or one int per axis
    padding : int, one int or (before, after) pair per axis, "valid" or "same"
        "same" needs stride 1; where the padding is odd the extra cell goes to the end.
    groups : int
        Output channel k reads only the input channels of its group.
    layout : "NCHW" or "NHWC"
        Channels first or channels last, whatever the rank.

    Returns
    -------
    array of float64
        In the layout of `x`; its spatial sizes are `conv_output_size` of each axis.
    """
    weight = np.asarray(weight, np.float64)
    kernel, stride, dilation = weight.shape[2:], per_axis(stride, ndim), per_axis(dilation, ndim)
    if padding == "same":
        if stride != (1,) * ndim:
            raise ValueError(f"conv{ndim}d: padding 'same' needs stride 1, got {stride}")
        pads = [same_padding(r, d) for r, d in zip(kernel, dilation)]
    else:
        pads = axis_pads(0 if padding == "valid" else padding, ndim)

    source = channels_first(x, ndim, layout)
    n, c, *spatial = source.shape
    k, positions = weight.shape[0], tuple(map(conv_output_size, spatial, kernel, stride, pads, dilation))
    padded = pad_spatial(source, pads, 0.0)
    grouped_weight = weight.reshape(groups, k // groups, c // groups, *kernel)

    y = np.zeros((n, groups, k // groups, math.prod(positions)))
    for tap in np.ndindex(*kernel):
        met = padded[tap_cells(tap, stride, dilation, positions)].reshape(n, groups, c // groups, y.shape[-1])
        y += grouped_weight[at(tap)] @ met
    return like_input(_add_bias(y.reshape(n, k, *positions), bias), x, layout)


def conv_transpose(
    ndim: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
    *,
    layout: str = "NCHW",
) -> Array:
    """Transposed convolution, as `torch.nn.functional.conv_transpose*d` (note: groups comes before dilation).

    Each input cell adds its value times the kernel to the output cells that a convolution with the same arguments
    would read for it. Cells in the padding are cut off; `output_padding` appends cells at the end of each axis.

    Parameters
    ----------
    x : array
        (N, C, *spatial), or (N, *spatial, C) for layout "NHWC"; the batch axis may be absent.
    weight : array
        (C, K / groups, *kernel) in either layout.
    bias : array, optional
        (K,).
    stride, output_padding, dilation : int or one int per axis
    padding : int, or one int or (before, after) pair per axis
    groups : int
    layout : "NCHW" or "NHWC"

    Returns
    -------
    array of float64
        In the layout of `x`; its spatial sizes are `conv_transpose_output_size` of each axis.
    """
    weight = np.asarray(weight, np.float64)
    kernel, stride, dilation = weight.shape[2:], per_axis(stride, ndim), per_axis(dilation, ndim)
    pads, output_padding = axis_pads(padding, ndim), per_axis(output_padding, ndim)

    source = channels_first(x, ndim, layout)
    n, c, *spatial = source.shape
    k, sizes = groups * weight.shape[1], zip(spatial, kernel, stride, pads, output_padding, dilation)
    kept = [slice(axis[3][0], axis[3][0] + conv_transpose_output_size(*axis)) for axis in sizes]
    grouped_weight = weight.reshape(groups, c // groups, k // groups, *kernel).swapaxes(1, 2)
    grouped_source = source.reshape(n, groups, c // groups, math.prod(spatial))

    y = np.zeros((n, k, *(cut.stop + p[1] for cut, p in zip(kept, pads))))
    for tap in np.ndindex(*kernel):
        sent = grouped_weight[at(tap)] @ grouped_source
        y[tap_cells(tap, stride, dilation, spatial)] += sent.reshape(n, k, *spatial)
    return like_input(_add_bias(y[at(kept)], bias), x, layout)


def _add_bias(y: Array, bias: ArrayLike | None) -> Array:
    return y if bias is None else y + np.asarray(bias, np.float64).reshape(-1, *(1,) * (y.ndim - 2))


conv1d, conv2d, conv3d = for_each_rank(conv)
conv_transpose1d, conv_transpose2d, conv_transpose3d = for_each_rank(conv_transpose)
