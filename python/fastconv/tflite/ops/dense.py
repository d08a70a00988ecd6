"""Fully connected layers and matrix products."""

from __future__ import annotations

from fastconv._ort.errors import InvalidGraph
from fastconv.tflite.registry import Node, translates


@translates("FULLY_CONNECTED")
def fully_connected(node: Node) -> None:
    """Translate x W' + b; weights (K, C). All axes of x but the last C elements are its rows."""
    if node.option("WeightsFormat", 0) != 0:
        raise node.unsupported("shuffled weights")
    shape = node.tensor(1).shape
    if len(shape) != 2 or min(shape) < 1:
        raise InvalidGraph.of(f"tflite: {node.label}: weights must have shape (K, C), got {shape}")
    x = node.input(0)
    if node.rank(0) != 2 or node.tensor(0).shape[1] != shape[1]:
        x = node.add("reshape", x, node.ints([-1, shape[1]]))
    bias = node.input(2) if node.has(2) else None
    y = node.activated(node.add("gemm", x, node.input(1), bias, trans_b=1))
    if node.option("KeepNumDims", False) and node.rank(0) != 2:
        outer = node.tensor(0).shape[:-1]
        if sum(extent < 0 for extent in outer) > 1:
            raise node.unsupported(f"at most one free extent, got {outer}")
        y = node.add("reshape", y, node.ints([*outer, shape[0]]))
    node.gives(y)


@translates("BATCH_MATMUL")
def batch_matmul(node: Node) -> None:
    """Translate a product of matrices, or of stacks of them."""
    a, b = (
        _turned(node, index) if node.option(option, False) else node.input(index)
        for index, option in enumerate(("AdjX", "AdjY"))
    )
    node.gives(node.add("matmul", a, b))


def _turned(node: Node, index: int) -> int:
    rank = node.rank(index)
    return node.add("transpose", node.input(index), perm=[*range(rank - 2), rank - 1, rank - 2])
