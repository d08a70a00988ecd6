"""Arguments of functions and layers: ints, one int for each axis, words. Errors say *what, rule, value*."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

Ints: TypeAlias = "int | Sequence[int]"
OutputSize: TypeAlias = "int | Sequence[int | None] | None"
LAYOUTS = ("NCHW", "NHWC")  # for any number of spatial axes
_CHANNELS_LAST = {  # functions also take the names that spell a layout's own axes
    1: {"NCHW": False, "NHWC": True, "NCW": False, "NWC": True},
    2: {"NCHW": False, "NHWC": True},
    3: {"NCHW": False, "NHWC": True, "NCDHW": False, "NDHWC": True},
}


def integer(value: Any, what: str, rule: str = "an int") -> int:
    """Return `value` as a 64-bit int; `rule` is what the error says it must be.

    Raises
    ------
    TypeError
        Where it is no integer.
    ValueError
        Where it does not fit.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be {rule}, got {value!r}") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{what} must fit in 64 bits, got {number}")
    return number


def per_axis(value: Ints, dims: int, what: str, least: int | None = None) -> tuple[int, ...]:
    """Return one int for each axis, from an int (or a sequence of one) that means all of them.

    Parameters
    ----------
    value : int or sequence of int
    dims : int
        How many axes there are.
    what : str
        For the message: "Conv2d: stride".
    least : int, optional
        The smallest value allowed.

    Raises
    ------
    TypeError
        Where a value is not an integer.
    ValueError
        Where there are not `dims` values, or one is below `least`.
    """
    rule = f"an int or {dims} ints"
    if isinstance(value, Sequence) and not isinstance(value, str):
        values = tuple(integer(entry, what, rule) for entry in value)
        if len(values) not in (1, dims):
            raise ValueError(f"{what} must be {rule}, got {value!r}")
    else:
        values = (integer(value, what, rule),)
    if least is not None and any(entry < least for entry in values):
        raise ValueError(f"{what} must be >= {least}, got {value!r}")
    return values * dims if len(values) == 1 else values


def at_least(value: int, least: int, what: str) -> int:
    """Return an integer that must be >= least."""
    number = integer(value, what)
    if number < least:
        raise ValueError(f"{what} must be >= {least}, got {value!r}")
    return number


def one_of(value: str, allowed: Sequence[str], what: str) -> str:
    """Return a string that must be one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def channels_last(layout: str, dims: int, what: str) -> bool:
    """Tell whether a function's layout has its channels last."""
    return _CHANNELS_LAST[dims][one_of(layout, tuple(_CHANNELS_LAST[dims]), f"{what}: layout")]


def pool_window(
    what: str, dims: int, kernel_size: Ints, stride: Ints | None, padding: Ints, dilation: Ints, ceil_mode: bool
) -> dict[str, Any]:
    """Check a pooling window's arguments and return them as the graph's attributes."""
    kernel = per_axis(kernel_size, dims, f"{what}: kernel_size", 1)
    is_default = stride is None or (isinstance(stride, Sequence) and len(stride) == 0)
    steps = kernel if is_default else per_axis(stride, dims, f"{what}: stride", 1)  # type: ignore[arg-type]
    pads = per_axis(padding, dims, f"{what}: padding", 0)
    gaps = per_axis(dilation, dims, f"{what}: dilation", 1)
    if any(p > (d * (k - 1) + 1) // 2 for p, k, d in zip(pads, kernel, gaps, strict=True)):
        raise ValueError(f"{what}: padding must be at most half the kernel, got padding {pads} for kernel {kernel}")
    return {
        "kernel": kernel,
        "strides": steps,
        "pads_begin": pads,
        "pads_end": pads,
        "dilations": gaps,
        "ceil_mode": int(ceil_mode),
    }


def pool_output_sizes(what: str, dims: int, output_size: OutputSize) -> tuple[int, ...]:
    """Return an adaptive pool's output extents; -1 stands for None, which keeps an axis."""
    given = output_size if isinstance(output_size, Sequence) else [output_size] * dims
    if len(given) == 1:
        given = [*given] * dims
    if len(given) != dims:
        raise ValueError(f"{what}: output_size must be an int or {dims} ints, got {output_size!r}")
    return tuple(-1 if n is None else at_least(n, 0, f"{what}: output_size") for n in given)
