"""How layers with spatial axes see their input: batched, channels first, of a given number of axes.

Every function below `channels_first` is written for (N, C, *spatial) alone. For layout "NHWC" the input is permuted
there and back: inside the graph two permutations that meet cancel, and those at the border are views, because the
core computes channels last anyway.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastconv._arguments import LAYOUTS, one_of

from ..tensor import emit, permute


def channels_first(function: Callable[[Any], Any], x: Any, dims: int, layout: str, what: str) -> Any:
    """Call `function` on x as (N, C, *spatial) and give its results x's layout and batching back.

    Parameters
    ----------
    function : callable
        Takes one value and returns a value or a tuple of values.
    x : Tensor or array
        (N, C, *spatial) or (C, *spatial); for layout "NHWC" the channels come last.
    dims : int
        The number of spatial axes.
    layout : {"NCHW", "NHWC"}
    what : str
        The layer's name, for messages.

    Raises
    ------
    ValueError
        Where x has another number of axes.
    """
    one_of(layout, LAYOUTS, f"{what}: layout")
    if x.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{what}: input must have {dims + 1} (one image) or {dims + 2} (a batch) axes, got {x.ndim}")
    batched = x.ndim == dims + 2
    if not batched:
        x = emit("unsqueeze", [x, np.array([0])], ndim=dims + 2)
    if layout == "NHWC":
        x = permute(x, (0, dims + 1, *range(1, dims + 1)))
    results = function(x)

    def finish(y: Any) -> Any:
        if layout == "NHWC":
            y = permute(y, (0, *range(2, dims + 2), 1))
        return y if batched else emit("squeeze", [y, np.array([0])], ndim=dims + 1)

    return tuple(map(finish, results)) if isinstance(results, tuple) else finish(results)


def for_dims(function: Callable[..., Any], name: str) -> list[Callable[..., Any]]:
    """Return `function`, whose first argument is the number of spatial axes, for 1, 2 and 3 of them."""

    def bind(dims: int) -> Callable[..., Any]:
        bound: Any = functools.partial(function, dims)
        functools.update_wrapper(bound, function)
        bound.__name__ = f"{name}{dims}d"
        del bound.__wrapped__  # so that help() shows the signature without `dims`
        return bound

    return [bind(dims) for dims in (1, 2, 3)]
