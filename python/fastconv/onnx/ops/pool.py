"""Pooling: windows, and whole planes."""

from __future__ import annotations

from fastconv.onnx.ops.windows import window_attributes
from fastconv.onnx.registry import Names, Node, Unsupported, translates


@translates("MaxPool")
def max_pool(node: Node) -> Names:
    """Translate a maximum over windows; the second output holds flat indices into the whole tensor."""
    return node.add_outputs(
        "max_pool",
        node.input(0),
        outputs=2 if node.wants_output(1) else 1,
        kernel=node.attribute("kernel_shape"),
        ceil_mode=node.attribute("ceil_mode", 0),
        storage_order=node.attribute("storage_order", 0),
        indices="tensor",
        **window_attributes(node),
    )


@translates("AveragePool")
def average_pool(node: Node) -> str:
    """Translate a mean over windows."""
    return node.add(
        "avg_pool",
        node.input(0),
        kernel=node.attribute("kernel_shape"),
        ceil_mode=node.attribute("ceil_mode", 0),
        count_include_pad=node.attribute("count_include_pad", 0),
        **window_attributes(node),
    )


_GLOBAL = {
    "GlobalAveragePool": "reduce_mean",
    "GlobalMaxPool": "reduce_max",
}


@translates(*_GLOBAL)
def global_pool(node: Node) -> str:
    """Translate a pool over all spatial axes: a reduction."""
    return node.add(_GLOBAL[node.op_type], node.input(0), node.axes_from(0, 2), keepdims=1)


@translates("GlobalLpPool")
def global_lp_pool(node: Node) -> str:
    """Translate the norm over all spatial axes."""
    norms = {1: "reduce_l1", 2: "reduce_l2"}
    p = node.attribute("p", 2)
    if p not in norms:
        raise Unsupported(f"p={p}")
    return node.add(norms[p], node.input(0), node.axes_from(0, 2), keepdims=1)
