"""Validation of layer arguments: torch's rules, in the formula *what, value, rule*."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TypeAlias

Ints: TypeAlias = "int | Sequence[int]"
LAYOUTS = ("NCHW", "NHWC")


def per_axis(value: Ints, dims: int, what: str, least: int = 0) -> tuple[int, ...]:
    """Return one integer per spatial axis; an int means every axis.

    Parameters
    ----------
    value : int or sequence of int
    dims : int
        How many axes there are.
    what : str
        For the message: "Conv2d: stride".
    least : int
        The smallest value allowed.

    Raises
    ------
    TypeError
        Where a value is not an integer.
    ValueError
        Where there are not `dims` values, or one is below `least`.
    """
    try:
        values = tuple(operator.index(entry) for entry in value) if isinstance(value, Sequence) else (value,) * dims
        values = tuple(operator.index(entry) for entry in values)
    except TypeError:
        raise TypeError(f"{what} must be an int or {dims} ints, got {value!r}") from None
    if len(values) != dims:
        raise ValueError(f"{what} must be an int or {dims} ints, got {value!r}")
    if min(values) < least:
        raise ValueError(f"{what} must be >= {least}, got {value!r}")
    return values


def at_least(value: int, least: int, what: str) -> int:
    """Return an integer that must be >= least."""
    return per_axis(value, 1, what, least)[0]


def one_of(value: str, allowed: Sequence[str], what: str) -> str:
    """Return a string that must be one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def half_kernel(padding: tuple[int, ...], kernel: tuple[int, ...], dilation: tuple[int, ...], what: str) -> None:
    """Pooling windows must meet the image: padding is at most half the (dilated) kernel."""
    if any(p > (d * (k - 1) + 1) // 2 for p, k, d in zip(padding, kernel, dilation, strict=True)):
        raise ValueError(f"{what}: padding must be at most half the kernel, got padding {padding} for kernel {kernel}")
