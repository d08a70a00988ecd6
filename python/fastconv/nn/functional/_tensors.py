"""Tensors of torch's, and whatever else has ``__dlpack__``, in the place of arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastconv._arrays import from_dlpack, like


def on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes such tensors too, in lists as well, and returns what the first of them is."""

    @functools.wraps(function)
    def call(*arguments: Any, **more: Any) -> Any:
        flat = (leaf for x in (*arguments, *more.values()) for leaf in (x if isinstance(x, (list, tuple)) else (x,)))
        first = next(filter(_is_foreign, flat), None)
        if first is None:
            return function(*arguments, **more)
        read = functools.partial(_read, function.__name__)
        result = function(*map(read, arguments), **{name: read(x) for name, x in more.items()})
        back = like(first)
        return tuple(map(back, result)) if isinstance(result, tuple) else back(result)

    return call


def _is_foreign(x: Any) -> bool:
    return hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray)


def _read(what: str, x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(_read(what, leaf) for leaf in x)
    return from_dlpack(what, "input", x) if _is_foreign(x) else x
