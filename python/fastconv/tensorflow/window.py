"""What the arguments of a ``tf.nn`` window mean: strides, dilations and padding along the spatial axes.

Start reading at `Window`; `conv`, `transpose` and `pool` make one from their arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastconv._arguments import integer, one_of

Pairs = tuple[tuple[int, int], ...]
_LAYOUTS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}  # the default first


@dataclass(frozen=True)
class Window:
    """A kernel on its way over the spatial axes of an image.

    Attributes
    ----------
    what : str
        The function, for errors.
    channels_last : bool
    strides, dilations : tuple of int
    padding : "SAME", "VALID" or pairs
        Pairs are (before, after) for each axis.
    """

    what: str
    channels_last: bool
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: str | Pairs

    @property
    def layout(self) -> str:
        """The order of axes in the words of `fastconv.functional`."""
        return "NHWC" if self.channels_last else "NCHW"

    @property
    def spatial(self) -> slice:
        """Where the spatial axes are in a shape."""
        return slice(-len(self.strides) - 1, -1) if self.channels_last else slice(-len(self.strides), None)

    @property
    def channel_axis(self) -> int:
        """Where the channels are in a shape."""
        return -1 if self.channels_last else -len(self.strides) - 1

    def pads(self, size: Sequence[int], kernel: Sequence[int]) -> Pairs:
        """Return the cells before and after each axis of an image of `size` cells.

        "SAME" makes ceil(size / stride) results; an odd cell goes to the end.
        """
        if self.padding == "VALID":
            return ((0, 0),) * len(size)
        if not isinstance(self.padding, str):
            return self.padding
        pairs = []
        for n, k, s, d in zip(size, kernel, self.strides, self.dilations, strict=True):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)


def make_window(
    what: str, rank: int, strides: Any, padding: Any, data_format: str | None, dilations: Any = None
) -> Window:
    """Return the window that a function's arguments ask for.

    Raises
    ------
    TypeError
        Where a number is no integer.
    ValueError
        For a wrong number of values, for strides and dilations of batch or channels, and for unknown words.
    """
    last = channels_last(what, rank, data_format)
    return Window(
        what,
        last,
        spatial_values(strides, rank, last, f"{what}: strides"),
        spatial_values(1 if dilations is None else dilations, rank, last, f"{what}: dilations"),
        _padding(padding, rank, last, what),
    )


def channels_last(what: str, rank: int, data_format: str | None) -> bool:
    """Tell whether a data format has its channels last, as the default has."""
    names = _LAYOUTS[rank]
    return data_format is None or one_of(data_format, names, f"{what}: data_format") == names[0]


def spatial_values(value: Any, rank: int, last: bool, what: str) -> tuple[int, ...]:
    """Return one int >= 1 for each spatial axis, from an int, or 1, `rank` or `rank` + 2 of them.

    Of `rank` + 2 values, those of batch and channels must be 1.
    """
    rule = f"an int, or 1, {rank} or {rank + 2} ints"
    values = _integers(value, what, rule) if _is_sequence(value) else (integer(value, what, rule),)
    if len(values) == rank + 2:
        outer = (values[0], values[-1]) if last else values[:2]
        if outer != (1, 1):
            raise ValueError(f"{what} must be 1 for batch and channels, got {list(values)}")
        values = values[1:-1] if last else values[2:]
    elif len(values) == 1:
        values *= rank
    elif len(values) != rank:
        raise ValueError(f"{what} must be {rule}, got {value!r}")
    if min(values) < 1:
        raise ValueError(f"{what} must be >= 1, got {value!r}")
    return values


def _padding(padding: Any, rank: int, last: bool, what: str) -> str | Pairs:
    """Return "SAME", "VALID", or the spatial pairs of an explicit list with one pair for each axis of the image."""
    if isinstance(padding, str):
        return one_of(padding.upper(), ("SAME", "VALID"), f"{what}: padding")
    rule = f'"SAME", "VALID" or {rank + 2} pairs of ints'
    if not _is_sequence(padding) or len(padding) != rank + 2 or not all(map(_is_sequence, padding)):
        raise ValueError(f"{what}: padding must be {rule}, got {padding!r}")
    pairs = [_integers(pair, f"{what}: padding", rule) for pair in padding]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{what}: padding must be {rule}, got {padding!r}")
    if min(map(min, pairs)) < 0:
        raise ValueError(f"{what}: padding must be >= 0, got {padding!r}")
    outer = (pairs[0], pairs[-1]) if last else tuple(pairs[:2])
    if outer != ((0, 0), (0, 0)):
        raise ValueError(f"{what}: padding must be 0 for batch and channels, got {padding!r}")
    return tuple((pair[0], pair[1]) for pair in (pairs[1:-1] if last else pairs[2:]))


def _is_sequence(value: Any) -> bool:
    """Tell whether a value holds several: lists, tuples, and arrays and tensors with an axis."""
    return not isinstance(value, str) and hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0


def _integers(values: Any, what: str, rule: str) -> tuple[int, ...]:
    return tuple(integer(value, what, rule) for value in values)
