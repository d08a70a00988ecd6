"""``tf.nn``'s pools. Padding counts neither among the largest cells nor in means."""

from __future__ import annotations

from typing import Any

from fastconv._arguments import Ints
from fastconv._arrays import as_float32
from fastconv.pooling import run_pool
from fastconv.tensorflow.conv import Padding
from fastconv.tensorflow.documentation import document
from fastconv.tensorflow.window import make_window, spatial_values


def max_pool(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Return the largest cell of each window as ``tf.nn.max_pool`` does."""
    return _pool("max_pool", None, input, ksize, strides, padding, data_format)


def max_pool1d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Any:
    """Return the largest cell of each window as ``tf.nn.max_pool1d`` does."""
    return _pool("max_pool1d", 1, input, ksize, strides, padding, data_format)


def max_pool2d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Any:
    """Return the largest cell of each window as ``tf.nn.max_pool2d`` does."""
    return _pool("max_pool2d", 2, input, ksize, strides, padding, data_format)


def max_pool3d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Any:
    """Return the largest cell of each window as ``tf.nn.max_pool3d`` does."""
    return _pool("max_pool3d", 3, input, ksize, strides, padding, data_format)


def avg_pool(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Return the mean of each window as ``tf.nn.avg_pool`` does."""
    return _pool("avg_pool", None, input, ksize, strides, padding, data_format)


def avg_pool1d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Any:
    """Return the mean of each window as ``tf.nn.avg_pool1d`` does."""
    return _pool("avg_pool1d", 1, input, ksize, strides, padding, data_format)


def avg_pool2d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Any:
    """Return the mean of each window as ``tf.nn.avg_pool2d`` does."""
    return _pool("avg_pool2d", 2, input, ksize, strides, padding, data_format)


def avg_pool3d(
    input: Any,
    ksize: Ints,
    strides: Ints,
    padding: Padding,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Any:
    """Return the mean of each window as ``tf.nn.avg_pool3d`` does."""
    return _pool("avg_pool3d", 3, input, ksize, strides, padding, data_format)


def _pool(
    what: str, rank: int | None, input: Any, ksize: Ints, strides: Ints, padding: Padding, data_format: str | None
) -> Any:
    shape = as_float32(what, "input", input).shape
    if len(shape) not in ((3, 4, 5) if rank is None else (rank + 2,)):
        axes = "3 to 5" if rank is None else rank + 2
        raise ValueError(f"{what}: input must have {axes} axes, got shape {shape}")
    rank = len(shape) - 2
    window = make_window(what, rank, strides, padding, data_format)
    kernel = spatial_values(ksize, rank, window.channels_last, f"{what}: ksize")
    before, after = zip(*window.pads(shape[window.spatial], kernel), strict=True)
    if any(pad >= k for pads in (before, after) for pad, k in zip(pads, kernel)):
        raise ValueError(f"{what}: padding must be smaller than the window {list(kernel)}, got {padding!r}")
    size = [a + n + b for a, n, b in zip(before, shape[window.spatial], after)]
    if any(k > n for k, n in zip(kernel, size)):
        raise ValueError(f"{what}: the window must fit the padded input of {size} cells, got {list(kernel)}")
    attributes = {"kernel": kernel, "strides": window.strides, "pads_begin": before, "pads_end": after}
    return run_pool(what, what[: len("max_pool")], input, rank, attributes, window.layout)


_DOCUMENTATION = """    Parameters
    ----------
    input : array of float32
        Shape (N, {axes}, C), or (N, C, {axes}) where `data_format` begins with "NC". NumPy arrays, TensorFlow
        tensors, or anything with ``__dlpack__``.
    ksize : int or ints
        Cells of a window: for all axes, for each spatial one, or for every axis, those of batch and channels being 1.
    strides : int or ints
        Cells between windows, as `ksize`.
    padding : {{"SAME", "VALID"}} or pairs
        "SAME" makes ceil(size / stride) results, with an odd cell at the end; pairs (before, after) are given for
        every axis, also where TensorFlow takes words alone. {padding}
    data_format : {{"{last}", "{first}"}}, optional
        By default channels last.
    name : str, optional
        Accepted for TensorFlow's sake.

    Returns
    -------
    array of float32, of the kind `input` is
        The axes as in `input`.

    Raises
    ------
    ValueError
        For a value that breaks a rule: "{name}: rule, got value".
    TypeError
        For an argument of the wrong kind, and for arrays that are not float32.

    Notes
    -----
    Semantics: tf.nn.{name}.
"""

document(_DOCUMENTATION, max_pool, max_pool1d, max_pool2d, max_pool3d, padding="Padding never wins.")
document(_DOCUMENTATION, avg_pool, avg_pool1d, avg_pool2d, avg_pool3d, padding="Padding does not count in the mean.")
