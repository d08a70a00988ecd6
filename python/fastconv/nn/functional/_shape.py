"""Functions that move, join, pad and resample, and the linear layer; arguments as torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv._arguments import LAYOUTS, Ints, at_least, one_of

from ..tensor import Size, Tensor, emit, permute, sizes
from ._layout import channels_first


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """X @ weight.T + bias: (..., in) with weight (out, in) and bias (out,) gives (..., out)."""
    if x.ndim == 2:
        return emit("gemm", [x, weight, bias], {"trans_b": 1})
    y = emit("matmul", [x, np.ascontiguousarray(weight.T)])
    return y if bias is None else emit("add", [y, bias])


def concat(values: Sequence[Any], dim: int = 0) -> Any:
    """Join values along an axis; their other extents must agree."""
    if not values:
        raise ValueError("concat: at least one value is needed, got none")
    tensors = [value for value in values if isinstance(value, Tensor)]
    shared = [value.trace.permuted.get(value.id) for value in tensors]
    perms = {None if entry is None else entry[1] for entry in shared}
    if len(tensors) == len(values) and len(perms) == 1 and (perm := perms.pop()):
        axis = perm[dim % len(perm)]
        return permute(emit("concat", [entry[0] for entry in shared if entry], {"axis": axis}), perm)
    return emit("concat", list(values), {"axis": dim})


cat = concat


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Join the axes start_dim to end_dim into one."""
    start, end = start_dim % max(x.ndim, 1), end_dim % max(x.ndim, 1)
    if start > end:
        raise ValueError(f"flatten: start_dim must not come after end_dim, got {start_dim} and {end_dim}")
    if start == 1 and end == x.ndim - 1:
        return emit("flatten", [x], {"axis": 1}, ndim=2)
    if start == end and x.ndim:
        return x
    shape = sizes([0] * start + [-1] + list(x.shape[end + 1 :]))
    return emit("reshape", [x, shape], ndim=x.ndim - (end - start))


def mean(x: Any, dim: Ints, keepdim: bool = False) -> Any:
    """Mean over the axes `dim`."""
    axes = np.atleast_1d(np.array(dim, np.int64))
    # Axes that go are squeezed afterwards: a reduction that keeps them reads channels-last data as they lie.
    kept = emit("reduce_mean", [x, axes], {"keepdims": 1})
    return kept if keepdim else emit("squeeze", [kept, axes], ndim=x.ndim - axes.size)


def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Any:
    """Pad the last axes: pad holds (before, after) of the last axis, then of the one before it, and so on.

    Parameters
    ----------
    x : Tensor or array
    pad : sequence of int
        At most two per axis; negative: cut off.
    mode : {"constant", "reflect", "replicate", "circular"}
    value : float
        For "constant".
    """
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    one_of(mode, tuple(modes), "pad: mode")
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: pad must hold two numbers for each of at most {x.ndim} axes, got {tuple(pad)}")
    untouched = [0] * (x.ndim - len(pad) // 2)
    amounts = np.array(untouched + list(pad[-2::-2]) + untouched + list(pad[-1::-2]), np.int64)
    fill = np.asarray(value, str(x.dtype)) if mode == "constant" else None
    return emit("pad", [x, amounts, fill], {"mode": modes[mode]})


INTERPOLATION = {
    "nearest": ("nearest", 0),
    "nearest-exact": ("nearest", 0),
    "linear": ("linear", 1),
    "bilinear": ("linear", 2),
    "trilinear": ("linear", 3),
    "bicubic": ("cubic", 2),
}


def interpolate(
    x: Any,
    size: Size | Sequence[Size] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    *,
    layout: str = "NCHW",
) -> Any:
    """Resample the spatial axes, as torch.nn.functional.interpolate.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial); channels last for layout "NHWC".
    size : int or one per axis, optional
        Output extents; traced sizes (`other.shape[2:]`) are allowed.
    scale_factor : float or one per axis, optional
        Exactly one of size and scale_factor is needed. Output extents are floor(in * scale_factor).
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"}
    align_corners : bool, optional
        Whether the outermost samples stand on the outermost pixels' centres; not for the nearest modes.
    layout : {"NCHW", "NHWC"}
    """
    one_of(mode, tuple(INTERPOLATION), "interpolate: mode")
    one_of(layout, LAYOUTS, "interpolate: layout")
    kind, needed = INTERPOLATION[mode]
    dims = x.ndim - 2
    if dims < 1 or needed not in (0, dims):
        raise ValueError(f"interpolate: mode {mode!r} needs {needed or 'at least 1'} spatial axes, got {dims}")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"interpolate: one of size and scale_factor must be given, got {size} and {scale_factor}")
    if kind == "nearest" and align_corners is not None:
        raise ValueError(f"interpolate: align_corners must be None for mode {mode!r}, got {align_corners}")
    if mode == "nearest":
        coordinate_mode, nearest_mode = "asymmetric", "floor"
    else:
        coordinate_mode, nearest_mode = "align_corners" if align_corners else "half_pixel", "round_prefer_ceil"
    attributes = {
        "mode": kind,
        "coordinate_mode": coordinate_mode,
        "nearest_mode": nearest_mode,
        "cubic_coeff_a": -0.75,
        "axes": list(range(2, dims + 2)),
    }
    given: Any = scale_factor if size is None else size
    values = list(given) if isinstance(given, (tuple, list)) else [given] * dims
    if len(values) != dims:
        raise ValueError(f"interpolate: size or scale_factor must have {dims} numbers, got {given}")
    arguments = [np.array(values, np.float32), None] if size is None else [None, sizes(values)]
    return channels_first(lambda v: emit("resize", [v, None, *arguments], attributes), x, dims, layout, "interpolate")


def pixel_shuffle(x: Any, upscale_factor: int, *, layout: str = "NCHW") -> Any:
    """(N, C r^2, H, W) to (N, C, H r, W r) (Shi et al., arXiv:1609.05158)."""
    attributes = {"blocksize": at_least(upscale_factor, 1, "pixel_shuffle: upscale_factor"), "mode": "CRD"}
    return channels_first(lambda v: emit("depth_to_space", [v], attributes), x, 2, layout, "pixel_shuffle")
