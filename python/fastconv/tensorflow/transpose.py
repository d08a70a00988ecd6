"""``tf.nn``'s transposed convolutions: gradients of a convolution, whose input's shape the caller says.

The result has `output_shape`; that shape must be one from which the convolution with the same strides and padding makes
an image of the input's size, and the cells that it would pad are those cut off here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastconv._arguments import Ints, integer
from fastconv._arrays import as_float32, like
from fastconv.functional import conv_transpose1d, conv_transpose2d, conv_transpose3d
from fastconv.tensorflow.conv import Padding, turned
from fastconv.tensorflow.documentation import document
from fastconv.tensorflow.window import Window, make_window

_CONVOLUTIONS = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Sequence[int],
    strides: Ints,
    padding: Padding = "SAME",
    data_format: str | None = "NWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 1-D transposed convolution as ``tf.nn.conv1d_transpose`` does."""
    return _conv_transpose(1, input, filters, output_shape, strides, padding, data_format, dilations)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Sequence[int],
    strides: Ints,
    padding: Padding = "SAME",
    data_format: str | None = "NHWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 2-D transposed convolution as ``tf.nn.conv2d_transpose`` does."""
    return _conv_transpose(2, input, filters, output_shape, strides, padding, data_format, dilations)


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Sequence[int],
    strides: Ints,
    padding: Padding = "SAME",
    data_format: str | None = "NDHWC",
    dilations: Ints | None = None,
    name: str | None = None,
) -> Any:
    """Apply a 3-D transposed convolution as ``tf.nn.conv3d_transpose`` does."""
    return _conv_transpose(3, input, filters, output_shape, strides, padding, data_format, dilations)


def _conv_transpose(
    rank: int,
    input: Any,
    filters: Any,
    output_shape: Sequence[int],
    strides: Ints,
    padding: Padding,
    data_format: str | None,
    dilations: Ints | None,
) -> Any:
    what = f"conv{rank}d_transpose"
    window = make_window(what, rank, strides, padding, data_format, dilations)
    kind = like(input)
    x, w = as_float32(what, "input", input), as_float32(what, "filters", filters)
    if x.ndim != rank + 2:
        raise ValueError(f"{what}: input must have {rank + 2} axes, got shape {x.shape}")
    channels = x.shape[window.channel_axis]
    if w.ndim != rank + 2 or 0 in w.shape or w.shape[-1] != channels:
        raise ValueError(f"{what}: filters must have shape (*kernel, K, {channels}), got {w.shape}")
    kernel, size = w.shape[:rank], _output_size(window, output_shape, x.shape[0], w.shape[-2])
    pads, extra = _cuts(window, x.shape[window.spatial], kernel, size)
    return kind(
        _CONVOLUTIONS[rank](
            x, turned(w), None, window.strides, pads, extra, dilation=window.dilations, layout=window.layout
        )
    )


def _output_size(window: Window, output_shape: Any, batch: int, channels: int) -> tuple[int, ...]:
    """Return the spatial part of the output's shape."""
    what, rank = f"{window.what}: output_shape", len(window.strides)
    shape = tuple(integer(n, what, f"{rank + 2} ints") for n in output_shape)
    if len(shape) != rank + 2:
        raise ValueError(f"{what} must be {rank + 2} ints, got {list(shape)}")
    if shape[0] != batch or shape[window.channel_axis] != channels:
        raise ValueError(
            f"{what} must have the input's batch {batch} and the filters' {channels} channels, got {list(shape)}"
        )
    return shape[window.spatial]


def _cuts(
    window: Window, size: Sequence[int], kernel: Sequence[int], output_size: Sequence[int]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the cells to cut from both ends of the full result, and those to add at its end."""
    cuts, extra = [], []
    for axis, (before, after) in enumerate(window.pads(output_size, kernel)):
        n, out, s = size[axis], output_size[axis], window.strides[axis]
        reach = (kernel[axis] - 1) * window.dilations[axis] + 1
        forward = (out + before + after - reach) // s + 1
        if out < 1 or forward != n:
            raise ValueError(
                f"{window.what}: output_shape must be one that the convolution with these strides and this padding "
                f"takes to {n} cells on spatial axis {axis}, got {out} cells, taken to {max(forward, 0)}"
            )
        left = out - ((n - 1) * s + reach - before)  # cells after those that a cut at the beginning alone leaves
        cuts.append((before, max(-left, 0)))
        extra.append(max(left, 0))
    return cuts, extra


_DOCUMENTATION = """    Parameters
    ----------
    input : array of float32
        Shape (N, {axes}, C), or (N, C, {axes}) with `data_format` "{first}". NumPy arrays, TensorFlow tensors, or
        anything with ``__dlpack__``.
    filters : array of float32
        Shape ({kernel}, K, C): the result's channels before the input's.
    output_shape : ints
        The result's whole shape, batch and channels too.
    strides : int or ints
        One number, or 1, {rank} or {all} of them, those of batch and channels being 1.
    padding : {{"SAME", "VALID"}} or pairs
        The padding of the convolution that would take the result to the input's size; pairs are given for all {all}
        axes, also where TensorFlow takes words alone.
    data_format : {{"{last}", "{first}"}}
    dilations : int or ints, optional
        As strides.
    name : str, optional
        Accepted for TensorFlow's sake.

    Returns
    -------
    array of float32, of the kind `input` is
        Shape `output_shape`.

    Raises
    ------
    ValueError
        For a value that breaks a rule, before any work, and for an output shape that is not possible.
    TypeError
        For an argument of the wrong kind, and for arrays that are not float32.

    Notes
    -----
    Semantics: tf.nn.conv{rank}d_transpose.
"""

document(_DOCUMENTATION, conv1d_transpose, conv2d_transpose, conv3d_transpose)
