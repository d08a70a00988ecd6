"""Docstrings of functions that differ by their number of spatial axes: one text for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What texts call the axes of images and kernels, and the orders of axes, by the number of spatial ones.
_WORDS: dict[int | None, dict[str, Any]] = {
    rank: {"rank": rank, "all": rank + 2, "axes": axes, "kernel": kernel, "last": last, "first": first}
    for rank, axes, kernel, last, first in (
        (1, "W", "S", "NWC", "NCW"),
        (2, "H, W", "R, S", "NHWC", "NCHW"),
        (3, "D, H, W", "Q, R, S", "NDHWC", "NCDHW"),
    )
}
_WORDS[None] = {"axes": "spatial axes", "last": '", "'.join(w["last"] for w in _WORDS.values())}
_WORDS[None]["first"] = '", "'.join(w["first"] for rank, w in _WORDS.items() if rank)


def document(text: str, *functions: Callable[..., Any], **more: str) -> None:
    """Put a text below the line that each function has as its docstring.

    Parameters
    ----------
    text : str
        With ``{name}`` of the function, ``{rank}``, ``{all}`` (how many axes an image has), ``{axes}``, ``{kernel}``,
        ``{last}`` and ``{first}`` by its number of spatial axes, and the names in `more`.
    *functions : function
        The number of spatial axes is in a function's name; one without it takes any.
    """
    for function in functions:
        rank = next((int(letter) for letter in function.__name__ if letter in "123"), None)
        made = text.format(name=function.__name__, **_WORDS[rank], **more)
        function.__doc__ = f"{function.__doc__}\n\n{made}"
