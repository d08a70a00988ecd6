"""Pools over windows. Padding never counts."""

from __future__ import annotations

from fastconv.tflite.ops.windows import window_attributes
from fastconv.tflite.registry import Node, translates

_POOLS = {"AVERAGE_POOL_2D": "avg_pool", "MAX_POOL_2D": "max_pool"}


@translates(*_POOLS)
def pool(node: Node) -> None:
    """Translate a pool."""
    kernel = [node.option("FilterHeight"), node.option("FilterWidth")]
    y = node.add(_POOLS[node.name], node.first(0), kernel=kernel, **window_attributes(node))
    node.gives(node.activated(y), first=True)
