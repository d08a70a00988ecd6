"""``tf.nn``'s convolutions: filters turned around, "SAME" counted out, and on to `fastconv.functional`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv._arguments import Ints, at_least
from fastconv._arrays import Array, as_float32, like
from fastconv.functional import conv1d as _conv1d
from fastconv.functional import conv2d as _conv2d
from fastconv.functional import conv3d as _conv3d
from fastconv.tensorflow.documentation import document
from fastconv.tensorflow.window import Window, make_window

_CONVOLUTIONS = {1: _conv1d, 2: _conv2d, 3: _conv3d}
Padding = str | Sequence[Sequence[int]]


def conv1d(
    input: Any,
    filters: Any,
    stride: Ints,
    padding: Padding,
    data_format: str | None = "NWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 1-D convolution as ``tf.nn.conv1d`` does."""
    return _conv(1, input, filters, stride, padding, data_format, dilations)


def conv2d(
    input: Any,
    filters: Any,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NHWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 2-D convolution as ``tf.nn.conv2d`` does."""
    return _conv(2, input, filters, strides, padding, data_format, dilations)


def conv3d(
    input: Any,
    filters: Any,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NDHWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 3-D convolution as ``tf.nn.conv3d`` does."""
    return _conv(3, input, filters, strides, padding, data_format, dilations)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Padding, name: str | None = None) -> Any:
    """Apply a 2-D convolution with `rate` cells from tap to tap, as ``tf.nn.atrous_conv2d`` does.

    Parameters
    ----------
    value : array of float32
        Shape (N, H, W, C).
    filters : array of float32
        Shape (R, S, C, K).
    rate : int
    padding : {"SAME", "VALID"}
    name : str, optional
        Accepted for TensorFlow's sake.

    Returns
    -------
    array of float32, of the kind `value` is
        Shape (N, H, W, K of the result).

    Raises
    ------
    ValueError, TypeError
        As `conv2d`.
    """
    what = "atrous_conv2d"
    return _dense(make_window(what, 2, 1, padding, "NHWC", at_least(rate, 1, f"{what}: rate")), value, filters)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Ints,
    padding: Padding,
    data_format: str | None = None,
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply M filters to each channel on its own, as ``tf.nn.depthwise_conv2d`` does.

    Parameters
    ----------
    input : array of float32
        Shape (N, H, W, C), or (N, C, H, W) with `data_format` "NCHW".
    filter : array of float32
        Shape (R, S, C, M). Output channel c * M + q is filter q of channel c.
    strides, dilations : int or ints
        As in `conv2d`; they may differ between the axes, and stand together, which TensorFlow refuses.
    padding : {"SAME", "VALID"} or pairs
        As in `conv2d`.
    data_format : {"NHWC", "NCHW"}, optional
    name : str, optional
        Accepted for TensorFlow's sake.

    Returns
    -------
    array of float32, of the kind `input` is
        Shape (N, H, W of the result, C * M), or channels first.

    Raises
    ------
    ValueError, TypeError
        As `conv2d`.
    """
    window = make_window("depthwise_conv2d", 2, strides, padding, data_format, dilations)
    kind = like(input)
    return kind(_depthwise(window, _image(window, "input", input), as_float32(window.what, "filter", filter), "filter"))


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Ints,
    padding: Padding,
    data_format: str | None = None,
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a depthwise convolution, then a pointwise one, as ``tf.nn.separable_conv2d`` does.

    Parameters
    ----------
    input : array of float32
        Shape (N, H, W, C), or (N, C, H, W) with `data_format` "NCHW".
    depthwise_filter : array of float32
        Shape (R, S, C, M).
    pointwise_filter : array of float32
        Shape (1, 1, C * M, K).
    strides, padding, data_format, dilations, name
        Those of the depthwise part, see `depthwise_conv2d`.

    Returns
    -------
    array of float32, of the kind `input` is
        Shape (N, H, W of the result, K), or channels first.

    Raises
    ------
    ValueError, TypeError
        As `conv2d`.
    """
    what = "separable_conv2d"
    window = make_window(what, 2, strides, padding, data_format, dilations)
    kind = like(input)
    depthwise = as_float32(what, "depthwise_filter", depthwise_filter)
    pointwise = as_float32(what, "pointwise_filter", pointwise_filter)
    if pointwise.ndim != 4 or pointwise.shape[:2] != (1, 1):
        raise ValueError(f"{what}: pointwise_filter must have shape (1, 1, C * M, K), got {pointwise.shape}")
    if depthwise.ndim == 4 and pointwise.shape[2] != depthwise.shape[2] * depthwise.shape[3]:
        raise ValueError(
            f"{what}: pointwise_filter must read the {depthwise.shape[2] * depthwise.shape[3]} channels of the "
            f"depthwise part, got shape {pointwise.shape}"
        )
    deep = _depthwise(window, _image(window, "input", input), depthwise, "depthwise_filter")
    return kind(_dense(make_window(what, 2, 1, "VALID", data_format), deep, pointwise))


def _conv(
    rank: int, input: Any, filters: Any, strides: Ints, padding: Padding, data_format: str | None, dilations: Any
) -> Any:
    return _dense(make_window(f"conv{rank}d", rank, strides, padding, data_format, dilations), input, filters)


def _dense(window: Window, input: Any, filters: Any) -> Any:
    """Convolve with filters (*kernel, C / groups, K); any number of batch axes."""
    what, rank = window.what, len(window.strides)
    kind = like(input)
    x, w = as_float32(what, "input", input), as_float32(what, "filters", filters)
    if x.ndim < rank + 2:
        raise ValueError(f"{what}: input must have at least {rank + 2} axes, got shape {x.shape}")
    channels = x.shape[window.channel_axis]
    if w.ndim != rank + 2 or 0 in w.shape:
        raise ValueError(f"{what}: filters must have {rank + 2} axes, none of them empty, got shape {w.shape}")
    if channels == 0 or channels % w.shape[-2] or w.shape[-1] % (channels // w.shape[-2]):
        raise ValueError(
            f"{what}: filters of shape {w.shape} must read all {channels} channels of the input, or in groups of "
            "channels an equal part of them"
        )
    batch, image = x.shape[: -rank - 1], x.shape[-rank - 1 :]
    y = convolve(window, x.reshape(math.prod(batch), *image), w, channels // w.shape[-2])
    return kind(y.reshape(*batch, *y.shape[1:]))


def _depthwise(window: Window, x: Array, filters: Array, name: str) -> Array:
    channels = x.shape[window.channel_axis]
    if filters.ndim != 4 or 0 in filters.shape or filters.shape[2] != channels:
        raise ValueError(f"{window.what}: {name} must have shape (R, S, {channels}, M), got {filters.shape}")
    return convolve(window, x, filters.reshape(*filters.shape[:2], 1, -1), channels)


def _image(window: Window, name: str, input: Any) -> Array:
    x = as_float32(window.what, name, input)
    if x.ndim != 4:
        raise ValueError(f"{window.what}: {name} must have 4 axes, got shape {x.shape}")
    return x


def convolve(window: Window, x: Array, filters: Array, groups: int) -> Array:
    """Convolve one batch with filters (*kernel, C / groups, K)."""
    rank = len(window.strides)
    pads = window.pads(x.shape[window.spatial], filters.shape[:rank])
    weight = turned(filters)
    y: Array = _CONVOLUTIONS[rank](
        x, weight, None, window.strides, pads, window.dilations, groups, layout=window.layout
    )
    return y


def turned(filters: Array) -> Array:
    """Return filters (*kernel, A, B) as (B, A, *kernel).

    Taps go last first, then A and B change places: for 3x3 of 512 to 512 channels that takes 2.9 ms, and 13.5 ms in one
    step (AVX-512 server core, NumPy 2.4, 2026-11-27), for which NumPy reads with the longest stride innermost.
    """
    *kernel, a, b = filters.shape
    taps_last = np.ascontiguousarray(filters.reshape(math.prod(kernel), a * b).T)
    return np.ascontiguousarray(taps_last.reshape(a, b, -1).swapaxes(0, 1)).reshape(b, a, *kernel)


_DOCUMENTATION = """    Parameters
    ----------
    input : array of float32
        Shape (N, {axes}, C), or (N, C, {axes}) with `data_format` "{first}"; there may be more batch axes. NumPy
        arrays, TensorFlow tensors, or anything with ``__dlpack__``.
    filters : array of float32
        Shape ({kernel}, C / groups, K): fewer channels than the input has make groups.
    strides : int or ints
        One number, or 1, {rank} or {all} of them, those of batch and channels being 1.
    padding : {{"SAME", "VALID"}} or pairs
        "SAME" makes ceil(size / stride) results, with an odd cell of zeros at the end; pairs (before, after) are given
        for all {all} axes, also where TensorFlow takes words alone.
    data_format : {{"{last}", "{first}"}}
    dilations : int or ints, optional
        As strides.
    name : str, optional
        Accepted for TensorFlow's sake.

    Returns
    -------
    array of float32, of the kind `input` is
        Shape (N, {axes} of the result, K), or channels first.

    Raises
    ------
    ValueError
        For a value that breaks a rule, before any work: "conv{rank}d: rule, got value".
    TypeError
        For an argument of the wrong kind, and for arrays that are not float32.

    Notes
    -----
    Semantics: tf.nn.conv{rank}d.
"""

document(_DOCUMENTATION.replace("strides", "stride"), conv1d)
document(_DOCUMENTATION, conv2d, conv3d)
