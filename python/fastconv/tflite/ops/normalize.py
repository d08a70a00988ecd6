"""Normalisations over channels."""

from __future__ import annotations

from fastconv.tflite.registry import Node, translates

_LEAST_NORM = 1e-6  # what divides a vector of zeros


@translates("LOCAL_RESPONSE_NORMALIZATION")
def lrn(node: Node) -> None:
    """Translate the division by the squares of `radius` channels on both sides, whose factor alpha is not a mean's."""
    size = 2 * node.option("Radius") + 1
    y = node.add(
        "lrn",
        node.first(0),
        size=size,
        alpha=node.option("Alpha") * size,
        beta=node.option("Beta"),
        bias=node.option("Bias"),
    )
    node.gives(y, first=True)


@translates("L2_NORMALIZATION")
def l2_normalization(node: Node) -> None:
    """Translate the division of each vector of channels by its length."""
    x = node.input(0)
    length = node.add("reduce_l2", x, node.ints([-1]), keepdims=1)
    y = node.add("div", x, node.add("max", length, node.number(_LEAST_NORM)))
    node.gives(node.activated(y))
