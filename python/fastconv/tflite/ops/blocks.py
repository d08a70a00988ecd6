"""Every b-th cell of an image as an image of its own, and back: how TensorFlow says dilation where extents are free.

`fastconv.tflite.dilation` makes one dilated convolution of such a pair with a convolution in between.
"""

from __future__ import annotations

import numpy as np

from fastconv._ort.errors import InvalidGraph
from fastconv.tflite.registry import Node, translates


@translates("SPACE_TO_BATCH_ND")
def space_to_batch(node: Node) -> None:
    """Translate pads, and the cells of each block to the batch."""
    cells = _Axes(node, node.add("pad", node.first(0), pads_vector(node, border(node))), ["n", "c"])
    for axis, block in zip(cells.spatial, blocks(node)):
        cells.split(axis, [axis, f"{axis} in"], [-1, block])
    cells.merge([*cells.inner, "n"], "n")
    node.gives(cells.ordered(["n", "c", *cells.spatial]), first=True)


@translates("BATCH_TO_SPACE_ND")
def batch_to_space(node: Node) -> None:
    """Translate the batch to the cells of each block, and the cut of cells at the ends."""
    cells = _Axes(node, node.first(0), ["n", "c"])
    cells.split("n", [*cells.inner, "n"], [*blocks(node), -1])
    for axis in cells.spatial:
        cells.merge([axis, f"{axis} in"], axis)
    y = cells.ordered(["n", "c", *cells.spatial])
    node.gives(node.add("pad", y, pads_vector(node, node.add("neg", border(node)))), first=True)


class _Axes:
    """A value whose axes have names. Each step makes one extent of unknown size, so that reshapes need no shapes."""

    def __init__(self, node: Node, value: int, outer: list[str]):
        self.spatial = [f"s{index}" for index in range(len(blocks(node)))]
        self.inner = [f"{axis} in" for axis in self.spatial]
        self._node, self._value, self._axes = node, value, [*outer, *self.spatial]

    def ordered(self, axes: list[str]) -> int:
        """Return the value with its axes in an order."""
        if axes != self._axes:
            self._value = self._node.add("transpose", self._value, perm=[self._axes.index(axis) for axis in axes])
            self._axes = axes
        return self._value

    def split(self, axis: str, parts: list[str], extents: list[int]) -> None:
        """Make several axes of one, the outermost first."""
        kept = [name for name in self._axes if name != axis]
        self._reshape([*kept, axis], len(kept), extents)
        self._axes = [*kept, *parts]

    def merge(self, parts: list[str], axis: str) -> None:
        """Make one axis of several, the outermost first."""
        kept = [name for name in self._axes if name not in parts]
        self._reshape([*kept, *parts], len(kept), [-1])
        self._axes = [*kept, axis]

    def _reshape(self, axes: list[str], kept: int, extents: list[int]) -> None:
        self._value = self._node.add("reshape", self.ordered(axes), self._node.ints([0] * kept + extents))


def blocks(node: Node) -> list[int]:
    """Return the cells of a block along each spatial axis."""
    found, rank = node.ints_of(1), node.rank(0)
    if rank not in (3, 4) or len(found) != rank - 2 or min(found) < 1:
        raise InvalidGraph.of(
            f"tflite: {node.label}: needs a number >= 1 for each spatial axis, got {found} for {rank} axes"
        )
    return found


def border(node: Node) -> int:
    """Return the cells that are added, or cut, at both ends of each spatial axis: int64, shape (axes, 2)."""
    shape = node.tensor(2).shape
    if shape != (node.rank(0) - 2, 2):
        raise InvalidGraph.of(f"tflite: {node.label}: needs two ends for each spatial axis, got shape {shape}")
    if node.known(2) is not None:
        return node.array(node.constant(2).astype(np.int64))
    return node.add("cast", node.input(2), to="int64")


def pads_vector(node: Node, border: int) -> int:
    """Return the argument of a pad of a value with channels first."""
    ends = node.add("transpose", border, perm=[1, 0])
    outer = node.array(np.zeros((2, 2), np.int64))  # none for batch and channels
    return node.add("reshape", node.add("concat", outer, ends, axis=1), node.ints([-1]))
