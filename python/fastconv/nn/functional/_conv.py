"""Convolutions as nodes of a graph. Formulas: Dumoulin & Visin, arXiv:1603.07285; arguments as torch."""

from __future__ import annotations

from typing import Any

from fastconv._arguments import Ints, at_least, one_of, per_axis

from ..tensor import emit
from ._layout import channels_first, for_dims


def split_padding(
    padding: Ints | str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[list[int], list[int]]:
    """Return the padding before and after each axis; for "same" the odd cell is at the end."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [t // 2 for t in total], [t - t // 2 for t in total]
    assert not isinstance(padding, str)
    both = list(per_axis(padding, len(kernel), "conv: padding", 0))
    return both, both


def conv_arguments(
    what: str, dims: int, stride: Ints, padding: Ints | str, dilation: Ints, groups: int
) -> tuple[tuple[int, ...], tuple[int, ...] | str, tuple[int, ...], int]:
    """Check the arguments all convolutions share and return them, one integer per axis."""
    stride = per_axis(stride, dims, f"{what}: stride", 1)
    dilation = per_axis(dilation, dims, f"{what}: dilation", 1)
    groups = at_least(groups, 1, f"{what}: groups")
    if not isinstance(padding, str):
        return stride, per_axis(padding, dims, f"{what}: padding", 0), dilation, groups
    one_of(padding, ("same", "valid"), f"{what}: padding")
    if padding == "same" and max(stride) > 1:
        raise ValueError(f"{what}: padding 'same' needs stride 1, got {stride}")
    return stride, padding, dilation, groups


def _conv(
    dims: int,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    layout: str = "NCHW",
) -> Any:
    """Convolution, as torch.nn.functional.conv1d/2d/3d.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    weight : array
        (K, C / groups, *kernel).
    bias : array, optional
        (K,).
    stride, padding, dilation : int or one per axis
        padding may also be "same" (stride 1 only) or "valid".
    groups : int
    layout : {"NCHW", "NHWC"}

    Returns
    -------
    Tensor or array
        (N, K, *output) in the layout of x.
    """
    what = f"conv{dims}d"
    if weight.ndim != dims + 2:
        raise ValueError(f"{what}: weight must have {dims + 2} axes, got {weight.ndim}")
    stride, padding, dilation, groups = conv_arguments(what, dims, stride, padding, dilation, groups)
    begin, end = split_padding(padding, tuple(weight.shape[2:]), dilation)
    attributes = {
        "strides": list(stride),
        "dilations": list(dilation),
        "pads_begin": begin,
        "pads_end": end,
        "groups": groups,
    }
    return channels_first(lambda v: emit("conv", [v, weight, bias], attributes), x, dims, layout, what)


def _conv_transpose(
    dims: int,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str = "NCHW",
) -> Any:
    """Transposed convolution, as torch.nn.functional.conv_transpose1d/2d/3d.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    weight : array
        (C, K / groups, *kernel).
    bias : array, optional
        (K,).
    stride, padding, output_padding, dilation : int or one per axis
    groups : int
    layout : {"NCHW", "NHWC"}

    Returns
    -------
    Tensor or array
        (N, K, *output), each extent (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1.
    """
    what = f"conv_transpose{dims}d"
    if weight.ndim != dims + 2:
        raise ValueError(f"{what}: weight must have {dims + 2} axes, got {weight.ndim}")
    stride, pads, dilation, groups = conv_arguments(what, dims, stride, padding, dilation, groups)
    extra = per_axis(output_padding, dims, f"{what}: output_padding", 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"{what}: output_padding must be smaller than stride or dilation, got {extra}")
    attributes = {
        "strides": list(stride),
        "dilations": list(dilation),
        "pads_begin": list(pads),
        "pads_end": list(pads),
        "output_padding": list(extra),
        "groups": groups,
    }
    return channels_first(lambda v: emit("conv_transpose", [v, weight, bias], attributes), x, dims, layout, what)


conv1d, conv2d, conv3d = for_dims(_conv, "conv")
conv_transpose1d, conv_transpose2d, conv_transpose3d = for_dims(_conv_transpose, "conv_transpose")
