"""Arguments of functions: ints, ints for each axis, layouts. Their kind is judged here, their values by the core."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

IntOrTuple = int | Sequence[int]

# For each number of spatial axes: the layouts' names, and whether the channels come last.
LAYOUTS = {
    1: {"NCHW": False, "NHWC": True, "NCW": False, "NWC": True},
    2: {"NCHW": False, "NHWC": True},
    3: {"NCHW": False, "NHWC": True, "NCDHW": False, "NDHWC": True},
}


def integer(what: str, name: str, value: Any, rule: str) -> int:
    """Return `value` as a 64-bit int; `rule` is what the error says it must be."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: {name} must be {rule}, got {value!r}") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{what}: {name} must fit in 64 bits, got {number}")
    return number


def axes(what: str, name: str, value: IntOrTuple, rank: int) -> tuple[int, ...]:
    """Return one int for each of `rank` axes, from an int (or a sequence of one) that means all of them."""
    rule = f"an int or {rank} ints"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 1:
            value = value[0]
        elif len(value) != rank:
            raise ValueError(f"{what}: {name} must be {rule}, got {value!r}")
        else:
            return tuple(integer(what, name, v, rule) for v in value)
    return (integer(what, name, value, rule),) * rank
