"""Pooling as nodes of a graph; arguments, defaults and edge rules as torch.nn.functional."""

from __future__ import annotations

from typing import Any

from fastconv._arguments import Ints, OutputSize, at_least, pool_output_sizes, pool_window

from ..tensor import emit
from ._layout import channels_first, for_dims


def _max_pool(
    dims: int,
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Any:
    """Largest element of each window, as torch.nn.functional.max_pool1d/2d/3d.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    kernel_size, stride, padding, dilation : int or one per axis
        stride is kernel_size by default; padding counts as minus infinity.
    ceil_mode : bool
        Also keep a last, partial window that starts inside the image or its left padding.
    return_indices : bool
        Also return where each maximum lies, as a flat int64 index into its (unpadded) plane.
    layout : {"NCHW", "NHWC"}
    """
    what = f"max_pool{dims}d"
    attributes = pool_window(what, dims, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return channels_first(lambda v: emit("max_pool", [v], attributes), x, dims, layout, what)
    attributes["indices"] = "plane"
    types = (str(x.dtype), "int64")
    return channels_first(lambda v: emit("max_pool", [v], attributes, outputs=types), x, dims, layout, what)


def _avg_pool(
    dims: int,
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    layout: str = "NCHW",
) -> Any:
    """Mean of each window, as torch.nn.functional.avg_pool1d/2d/3d.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    kernel_size, stride, padding : int or one per axis
    ceil_mode : bool
        Also keep a last, partial window.
    count_include_pad : bool
        Whether padding counts in the divisor.
    divisor_override : int, optional
        Divide by this instead.
    layout : {"NCHW", "NHWC"}
    """
    what = f"avg_pool{dims}d"
    attributes = pool_window(what, dims, kernel_size, stride, padding, 1, ceil_mode)
    attributes["count_include_pad"] = int(count_include_pad)
    if divisor_override is not None:
        attributes["divisor_override"] = at_least(divisor_override, 1, f"{what}: divisor_override")
    return channels_first(lambda v: emit("avg_pool", [v], attributes), x, dims, layout, what)


def _adaptive_avg_pool(dims: int, x: Any, output_size: OutputSize, *, layout: str = "NCHW") -> Any:
    """Mean over bins that cover the image, as torch.nn.functional.adaptive_avg_pool1d/2d/3d.

    Bin i of n over an extent of s reaches from floor(i s / n) to ceil((i + 1) s / n).

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    output_size : int or one per axis
        None keeps an axis as it is.
    layout : {"NCHW", "NHWC"}
    """
    what = f"adaptive_avg_pool{dims}d"
    attributes = {"output_size": pool_output_sizes(what, dims, output_size)}
    return channels_first(lambda v: emit("adaptive_avg_pool", [v], attributes), x, dims, layout, what)


def _adaptive_max_pool(
    dims: int,
    x: Any,
    output_size: OutputSize,
    return_indices: bool = False,
    *,
    layout: str = "NCHW",
) -> Any:
    """Maximum over the bins of adaptive_avg_pool, as torch.nn.functional.adaptive_max_pool1d/2d/3d.

    Parameters
    ----------
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); channels last for layout "NHWC".
    output_size : int or one per axis
        None keeps an axis as it is.
    return_indices : bool
        Also return where each maximum lies, as a flat int64 index into its plane.
    layout : {"NCHW", "NHWC"}
    """
    what = f"adaptive_max_pool{dims}d"
    attributes = {"output_size": pool_output_sizes(what, dims, output_size)}
    types = (str(x.dtype), "int64") if return_indices else None
    return channels_first(lambda v: emit("adaptive_max_pool", [v], attributes, outputs=types), x, dims, layout, what)


max_pool1d, max_pool2d, max_pool3d = for_dims(_max_pool, "max_pool")
avg_pool1d, avg_pool2d, avg_pool3d = for_dims(_avg_pool, "avg_pool")
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = for_dims(_adaptive_avg_pool, "adaptive_avg_pool")
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = for_dims(_adaptive_max_pool, "adaptive_max_pool")
