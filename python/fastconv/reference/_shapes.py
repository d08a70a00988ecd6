"""What the operations of the specification share: output sizes, per-axis arguments, layouts.

One axis at a time. The sizes are those of Dumoulin & Visin, "A guide to convolution arithmetic for deep learning",
arXiv:1603.07285, with dilation and with paddings that may differ at the two ends of an axis.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Array: TypeAlias = np.ndarray[Any, Any]
Pads: TypeAlias = tuple[int, int]  # cells added before and after one axis
PerAxis: TypeAlias = int | Sequence[int]
Padding: TypeAlias = int | str | Sequence[int | Pads]


def conv_output_size(size: int, kernel: int, stride: int = 1, pads: Pads = (0, 0), dilation: int = 1) -> int:
    """Positions of a dilated kernel on one padded axis: floor((size + pads - extent) / stride) + 1."""
    extent = dilation * (kernel - 1) + 1
    return (size + sum(pads) - extent) // stride + 1


def conv_transpose_output_size(
    size: int, kernel: int, stride: int = 1, pads: Pads = (0, 0), output_padding: int = 0, dilation: int = 1
) -> int:
    """The size whose convolution has `size` positions; `output_padding` picks one of the `stride` such sizes."""
    extent = dilation * (kernel - 1) + 1
    return (size - 1) * stride + extent - sum(pads) + output_padding


def pool_output_size(
    size: int, kernel: int, stride: int = 1, pads: Pads = (0, 0), dilation: int = 1, ceil_mode: bool = False
) -> int:
    """As a convolution; `ceil_mode` rounds up, but a window that would start in the padding at the end is left out."""
    if not ceil_mode:
        return conv_output_size(size, kernel, stride, pads, dilation)
    out = conv_output_size(size + stride - 1, kernel, stride, pads, dilation)
    return out - 1 if (out - 1) * stride >= size + pads[0] else out


def same_padding(kernel: int, dilation: int = 1) -> Pads:
    """The pads that keep an axis' size at stride 1; the odd cell goes to the end."""
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


def per_axis(value: Any, ndim: int) -> tuple[Any, ...]:
    """An int (or None) means every axis; a sequence has one entry an axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * ndim


def axis_pads(padding: Padding, ndim: int) -> list[Pads]:
    """An entry of `padding` is a number for both ends of its axis, or a pair (before, after)."""
    return [(p[0], p[1]) if isinstance(p, (tuple, list)) else (p, p) for p in per_axis(padding, ndim)]


def channels_first(x: ArrayLike, ndim: int, layout: str) -> Array:
    """`x` in float64 as (N, C, *spatial), whichever layout it has and whether or not it has a batch axis."""
    x = np.asarray(x, np.float64)
    x = x if x.ndim == ndim + 2 else x[None]
    return np.moveaxis(x, -1, 1) if layout == "NHWC" else x


def like_input(y: Array, x: ArrayLike, layout: str) -> Array:
    """`y`, which is (N, C, *spatial), in the layout of the operation's input `x`, un-batched if `x` is."""
    batched = np.ndim(x) == y.ndim
    y = np.moveaxis(y, 1, -1) if layout == "NHWC" else y
    return np.ascontiguousarray(y if batched else y[0])


def at(spatial: Iterable[int | slice]) -> Any:
    """The index that picks `spatial` from the last axes of an array, whole in the axes before."""
    return (..., *spatial)


def pad_spatial(x: Array, pads: Sequence[Pads], value: float) -> Array:
    """(N, C, *spatial) with `pads` cells of `value` around it."""
    spatial = x.shape[2:]
    padded = np.full(x.shape[:2] + tuple(n + sum(p) for n, p in zip(spatial, pads)), value, x.dtype)
    padded[at(slice(p[0], p[0] + n) for n, p in zip(spatial, pads))] = x
    return padded


def tap_cells(tap: Sequence[int], stride: Sequence[int], dilation: Sequence[int], positions: Sequence[int]) -> Any:
    """The index of the cells that kernel cell `tap` meets, one for each of the kernel's `positions`."""
    return at(slice(t * d, t * d + (n - 1) * s + 1, s) for t, s, d, n in zip(tap, stride, dilation, positions))


def for_each_rank(function: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """The 1-D, 2-D and 3-D version of `function`, whose first argument is the number of spatial axes."""
    return tuple(_of_rank(function, ndim) for ndim in (1, 2, 3))


def _of_rank(function: Callable[..., Any], ndim: int) -> Callable[..., Any]:
    @functools.wraps(function)
    def bound(*args: Any, **kwargs: Any) -> Any:
        return function(ndim, *args, **kwargs)

    signature = inspect.signature(function)
    bound.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    bound.__name__ = bound.__qualname__ = f"{function.__name__}{ndim}d"
    return bound
