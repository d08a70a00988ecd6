"""The shape list bench/shapes/conv_shapes.csv as rows for tests."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

SHAPES = Path(__file__).parents[2] / "bench" / "shapes" / "conv_shapes.csv"


@dataclass(frozen=True)
class Shape:
    """A row: a convolution of one image."""

    name: str
    ndim: int
    transposed: bool
    c: int
    k: int
    groups: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    output_padding: tuple[int, ...]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """As torch has it."""
        a, b = (self.c, self.k) if self.transposed else (self.k, self.c)
        return (a, b // self.groups, *self.kernel)

    @property
    def macs(self) -> float:
        """About the multiply-adds."""
        strides = 1 if self.transposed else math.prod(self.stride)
        return math.prod(self.spatial) / strides * self.c * self.k / self.groups * math.prod(self.kernel)

    def reduced(self, most_macs: float) -> Shape:
        """With its longest axes halved until it costs at most `most_macs`, but never to less than a kernel."""
        shape = self
        while shape.macs > most_macs:
            reach = [d * (r - 1) + 1 + s for r, d, s in zip(shape.kernel, shape.dilation, shape.stride)]
            halves = [max(-(-n // 2), e) for n, e in zip(shape.spatial, reach)]
            gain = [n - half for n, half in zip(shape.spatial, halves)]
            axis = gain.index(max(gain))
            if gain[axis] <= 0:
                break
            spatial = (*shape.spatial[:axis], halves[axis], *shape.spatial[axis + 1 :])
            shape = replace(shape, spatial=spatial)
        return shape


def read_shapes() -> list[Shape]:
    """Every row, in the file's order."""
    with SHAPES.open(newline="") as file:
        return [_shape(row) for row in csv.DictReader(file)]


def _shape(row: dict[str, str]) -> Shape:
    ndim = int(row["ndim"])

    def axes(prefix: str, suffix: str = "") -> tuple[int, ...]:
        return tuple(int(row[prefix + axis + suffix]) for axis in "dhw"[-ndim:])

    return Shape(
        name=f"{row['suite']} {row['name']}",
        ndim=ndim,
        transposed=row["transposed"] == "1",
        c=int(row["c"]),
        k=int(row["k"]),
        groups=int(row["groups"]),
        spatial=axes("i"),
        kernel=axes("k"),
        stride=axes("s"),
        dilation=axes("dil"),
        pads=tuple(zip(axes("pb"), (max(end, 0) for end in axes("pe")))),
        output_padding=tuple(max(-end, 0) for end in axes("pe")),
    )
