"""Reductions over axes."""

from __future__ import annotations

from fastconv.tflite.registry import Node, channels_first, translates

_REDUCTIONS = {
    "MEAN": "reduce_mean",
    "SUM": "reduce_sum",
    "REDUCE_MAX": "reduce_max",
    "REDUCE_MIN": "reduce_min",
    "REDUCE_PROD": "reduce_prod",
}
_SEARCHES = {"ARG_MAX": "argmax", "ARG_MIN": "argmin"}


@translates(*_REDUCTIONS)
def reduction(node: Node) -> None:
    """Translate a reduction; a global pool is a mean over the spatial axes."""
    rank, keep = node.rank(0), bool(node.option("KeepDims", False))
    axes = sorted({node.axis(number, rank) for number in node.ints_of(1)})
    is_spatial = axes == list(range(1, rank - 1))  # what is left has the same order with channels first
    first = node.is_first(0) and (keep or is_spatial)
    if first:
        order = channels_first(rank)
        axes = [order.index(axis) for axis in axes]
    x = node.first(0) if first else node.input(0)
    y = node.add(_REDUCTIONS[node.name], x, node.ints(axes), keepdims=int(keep), noop_with_empty_axes=1)
    node.gives(y, first=first and keep)


@translates(*_SEARCHES)
def search(node: Node) -> None:
    """Translate the place of the largest or smallest element along an axis; the first of equals."""
    y = node.add(_SEARCHES[node.name], node.input(0), axis=node.axis_of(1, node.rank(0)), keepdims=0)
    node.gives(y if node.result().dtype == "int64" else node.add("cast", y, to=node.result().dtype))
