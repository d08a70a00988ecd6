"""The convolutions to measure: one dataclass, read from a short text, a CSV file or a named suite.

The suites are those of ``bench/shapes/conv_shapes.csv``, which the package carries.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

SUITES = Path(__file__).parent / "conv_shapes.csv"

_LETTERS = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups", "o": "output_padding"}
_RULE = "NxCxHxW:K:RxS, then any of :s2 :p1 :d1 :g1 :t, as 1x64x56x56:64:3:s2"


@dataclass(frozen=True)
class ConvShape:
    """One convolution. Per-axis numbers are in the order depth, height, width; 1 to 3 of them."""

    n: int
    c: int
    size: tuple[int, ...]
    k: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pad_begin: tuple[int, ...]
    pad_end: tuple[int, ...]
    output_padding: tuple[int, ...]
    groups: int = 1
    transposed: bool = False
    name: str = ""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial extents of the result."""
        spans = [d * (r - 1) + 1 for d, r in zip(self.dilation, self.kernel)]
        pads = [a + b for a, b in zip(self.pad_begin, self.pad_end)]
        if self.transposed:
            ends = [e - p + o for e, p, o in zip(spans, pads, self.output_padding)]
            return tuple((i - 1) * s + e for i, s, e in zip(self.size, self.stride, ends))
        return tuple((i + p - e) // s + 1 for i, p, e, s in zip(self.size, pads, spans, self.stride))

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(K, C / groups, kernel), transposed: (C, K / groups, kernel)."""
        outer, inner = (self.c, self.k) if self.transposed else (self.k, self.c)
        return (outer, inner // self.groups, *self.kernel)

    @property
    def flops(self) -> float:
        """Twice the products of the direct algorithm, padding included: what GF/s are counted in."""
        grid = self.size if self.transposed else self.output_size
        return 2.0 * self.n * math.prod(grid) * self.c * self.k * math.prod(self.kernel) / self.groups

    def operands(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Input (N, C, spatial), weight and bias: normal float32, the weight scaled to keep results near 1."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((self.n, self.c, *self.size), dtype=np.float32)
        fan_in = self.c // self.groups * math.prod(self.kernel)
        weight = rng.standard_normal(self.weight_shape, dtype=np.float32) / np.float32(math.sqrt(fan_in))
        return x, weight, rng.standard_normal(self.k, dtype=np.float32)

    def __str__(self) -> str:
        """Write the shape as `parse` reads it; padding only where it is not the kernel's half."""
        text = f"{'x'.join(map(str, (self.n, self.c, *self.size)))}:{self.k}:{_join(self.kernel)}"
        if any(s != 1 for s in self.stride):
            text += f":s{_join(self.stride)}"
        if any(d != 1 for d in self.dilation):
            text += f":d{_join(self.dilation)}"
        half = _half(self.kernel, self.dilation)
        if self.pad_begin != half or self.pad_end != half:
            text += f":p{_join(self.pad_begin)}"
            if self.pad_end != self.pad_begin:
                text += f"-{_join(self.pad_end)}"
        if any(self.output_padding):
            text += f":o{_join(self.output_padding)}"
        return text + (f":g{self.groups}" if self.groups != 1 else "") + (":t" if self.transposed else "")


def parse(text: str) -> ConvShape:
    """Read a shape such as ``1x64x56x56:64:3`` or ``8x32x112x112:32:3x3:s2:p1:g32``.

    Fields: input NxCx(spatial), output channels, kernel (one number holds for every axis), then in any order
    ``s`` stride, ``d`` dilation, ``p`` padding (``p1-0``: begin-end; by default half the kernel), ``g`` groups,
    ``o`` output padding, and ``t`` for a transposed convolution.

    Raises
    ------
    ValueError
        Where the text is not such a shape.
    """
    fields = text.lower().split(":")
    if len(fields) < 3 or any(not re.fullmatch(r"\d+(x\d+)*", f) for f in fields[:3]):
        raise ValueError(f"shape: must be {_RULE}, got {text!r}")
    n, c, *size = _numbers(fields[0])
    options: dict[str, str] = {}
    transposed = False
    for field in fields[3:]:
        if field == "t":
            transposed = True
        elif re.fullmatch(r"[spdgo]\d+(x\d+)*(-\d+(x\d+)*)?", field):
            options[_LETTERS[field[0]]] = field[1:]
        else:
            raise ValueError(f"shape: must be {_RULE}, got {field!r} in {text!r}")
    rank = len(size)
    if not 1 <= rank <= 3 or "x" in fields[1]:
        raise ValueError(f"shape: must be {_RULE}, got {text!r}")

    def axes(value: str) -> tuple[int, ...]:
        numbers = _numbers(value)
        if len(numbers) not in (1, rank):
            raise ValueError(f"shape: needs 1 or {rank} numbers, got {value!r} in {text!r}")
        return numbers * rank if len(numbers) == 1 else numbers

    kernel, dilation = axes(fields[2]), axes(options.get("dilation", "1"))
    pads = [axes(p) for p in options["padding"].split("-")] if "padding" in options else [_half(kernel, dilation)]
    return ConvShape(
        n,
        c,
        tuple(size),
        int(fields[1]),
        kernel,
        axes(options.get("stride", "1")),
        dilation,
        pads[0],
        pads[-1],
        axes(options.get("output_padding", "0")),
        int(options.get("groups", "1")),
        transposed,
    )


def read_csv(path: str | Path = SUITES, suite: str | None = None, batch: int | None = None) -> list[ConvShape]:
    """Read the rows of a file in the format of ``bench/shapes/conv_shapes.csv``.

    Parameters
    ----------
    path : path
    suite : str, optional
        Only the rows of this suite.
    batch : int, optional
        Takes the place of every row's batch.

    Raises
    ------
    ValueError
        For a suite that the file does not have.
    """
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if suite is not None:
        names = dict.fromkeys(row["suite"] for row in rows)
        if suite not in names:
            raise ValueError(f"suite: must be one of {', '.join(names)}, got {suite!r}")
        rows = [row for row in rows if row["suite"] == suite]
    shapes = [_from_row(row) for row in rows]
    return shapes if batch is None else [replace(shape, n=batch) for shape in shapes]


def read_lines(path: str | Path) -> list[ConvShape]:
    """Read a text file of shapes as `parse` reads them, one a line; empty lines and those that begin with # are none.

    Raises
    ------
    ValueError
        For a line that is no shape, by its number.
    """
    shapes = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                shapes.append(parse(text))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
    return shapes


def unique(shapes: list[ConvShape]) -> Iterator[ConvShape]:
    """Leave out shapes that came before under another name."""
    seen = set()
    for shape in shapes:
        if str(shape) not in seen:
            seen.add(str(shape))
            yield shape


def _from_row(row: dict[str, str]) -> ConvShape:
    rank, transposed = int(row["ndim"]), row["transposed"] == "1"

    def axes(prefix: str) -> tuple[int, ...]:
        return tuple(int(row[prefix + axis]) for axis in "dhw"[3 - rank :])

    ends = axes("pe")
    output_padding = tuple(max(-e, 0) for e in ends) if transposed else (0,) * rank  # written as a negative end
    ends = tuple(e + o for e, o in zip(ends, output_padding))
    return ConvShape(
        int(row["n"]),
        int(row["c"]),
        axes("i"),
        int(row["k"]),
        axes("k"),
        axes("s"),
        axes("dil"),
        axes("pb"),
        ends,
        output_padding,
        int(row["groups"]),
        transposed,
        row["name"] or row["suite"],
    )


def _half(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((r - 1) * d // 2 for r, d in zip(kernel, dilation))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("x"))


def _join(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else "x".join(map(str, numbers))
