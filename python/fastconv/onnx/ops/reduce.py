"""Reductions over axes, and what ranks elements: ArgMax, TopK, CumSum."""

from __future__ import annotations

from fastconv.onnx.registry import NUMBER, Names, Node, translates

_NUMBER_REDUCTIONS = {
    "ReduceSum": "reduce_sum",
    "ReduceMax": "reduce_max",
    "ReduceMin": "reduce_min",
    "ReduceProd": "reduce_prod",
}
_FLOAT_REDUCTIONS = {
    "ReduceMean": "reduce_mean",
    "ReduceL1": "reduce_l1",
    "ReduceL2": "reduce_l2",
    "ReduceSumSquare": "reduce_sum_square",
    "ReduceLogSum": "reduce_log_sum",
    "ReduceLogSumExp": "reduce_log_sum_exp",
}


def _reduce(node: Node, op: str) -> str:
    """Axes are an attribute before opset 18 (ReduceSum: 13), an input since.

    Axes that go are squeezed afterwards: a reduction that keeps them reads channels-last data as they lie.
    """
    axes_as_input = node.opset >= (13 if node.op_type == "ReduceSum" else 18)
    known = node.value(1) if axes_as_input else node.attribute("axes")
    axes = node.optional(1) if axes_as_input else node.optional_ints(known)
    squeezed = not node.attribute("keepdims", 1) and known is not None and len(known) > 0
    result = node.add(
        op,
        node.input(0),
        axes,
        keepdims=1 if squeezed else node.attribute("keepdims", 1),
        noop_with_empty_axes=node.attribute("noop_with_empty_axes", 0),
    )
    return node.add("squeeze", result, axes) if squeezed else result


@translates(*_NUMBER_REDUCTIONS, types=NUMBER)
def reduce_numbers(node: Node) -> str:
    """Translate a reduction that integers have too."""
    return _reduce(node, _NUMBER_REDUCTIONS[node.op_type])


@translates(*_FLOAT_REDUCTIONS)
def reduce_floats(node: Node) -> str:
    """Translate a reduction of float32."""
    return _reduce(node, _FLOAT_REDUCTIONS[node.op_type])


@translates("ArgMax", "ArgMin", types=NUMBER)
def arg_extreme(node: Node) -> str:
    """Translate the index of an extreme."""
    return node.add(
        node.op_type.lower(),
        node.input(0),
        axis=node.attribute("axis", 0),
        keepdims=node.attribute("keepdims", 1),
        select_last_index=node.attribute("select_last_index", 0),
    )


@translates("TopK", types=NUMBER)
def top_k(node: Node) -> Names:
    """Translate the k extremes; k is an attribute before opset 10."""
    return node.add_outputs(
        "topk",
        node.input(0),
        node.input(1) if node.opset >= 10 else node.ints([node.attribute("k")]),
        outputs=2,
        axis=node.attribute("axis", -1),
        largest=node.attribute("largest", 1),
        sorted=node.attribute("sorted", 1),
    )


@translates("CumSum", types=NUMBER)
def cumulative_sum(node: Node) -> str:
    """Translate the running sum along an axis."""
    return node.add(
        "cumsum",
        node.input(0),
        node.input(1),
        exclusive=node.attribute("exclusive", 0),
        reverse=node.attribute("reverse", 0),
    )
