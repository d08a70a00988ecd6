"""The error of each layer of a network, for `fastconv.explain`: run alone, on what reaches it, against float64.

The float64 result is that of `fastconv.reference`; operators without a function there have no error. Start reading at
`layer_errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fastconv import reference
from fastconv.graph_builder import GraphBuilder, Node, Output
from fastconv.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
Inputs = list[Array | None]


def layer_errors(graph: GraphBuilder, feed: Mapping[str, Array], precision: str) -> dict[tuple[str, str], list[float]]:
    """Return the relative Frobenius errors of a graph's layers, by (name, operator), in the order of the graph."""
    measured = [node for node in graph.nodes if node.op in _EXACT and _is_plain(node)]
    values: dict[int, Array] = {**graph.constants, **{entry.id: feed[entry.name] for entry in graph.inputs}}
    missing = sorted({v for node in measured for v in node.inputs if v is not None and v not in values})
    if missing:
        seen = Network(replace(graph, outputs=[Output(v, f"value {v}") for v in missing]).pruned(), precision)
        values.update(zip(missing, seen.run(feed), strict=True))
    errors: dict[tuple[str, str], list[float]] = {}
    for node in measured:
        inputs = [None if v is None else values[v] for v in node.inputs]
        exact = _EXACT[node.op](node.attributes, inputs)
        got = _alone(node, inputs, precision, graph)
        scale = float(np.linalg.norm(exact)) or 1.0
        errors.setdefault((node.name, node.op), []).append(float(np.linalg.norm(got - exact)) / scale)
    return errors


def _is_plain(node: Node) -> bool:
    """Tell whether the specification has a node's attributes: padding in numbers, means of undilated windows."""
    a = node.attributes
    dilated = node.op == "avg_pool" and any(d != 1 for d in a.get("dilations") or ())
    return a.get("auto_pad", "explicit") == "explicit" and "output_shape" not in a and not dilated


def _alone(node: Node, inputs: Inputs, precision: str, graph: GraphBuilder) -> Array:
    """Run one node; what is a constant of the graph is one here, so that the same algorithm is chosen."""
    single = GraphBuilder()
    ids: list[int | None] = []
    feed: dict[str, Array] = {}
    for value, array in zip(node.inputs, inputs):
        if value is None or array is None:
            ids.append(None)
        elif value in graph.constants:
            ids.append(single.constant(array))
        else:
            feed[f"x{value}"] = array
            ids.append(single.input(f"x{value}", str(array.dtype), array.shape))
    (result, *_) = single.add(node.op, ids, node.attributes, len(node.outputs), node.name)
    single.output(result, "y")
    return Network(single, precision).run(feed)[0]


# --- float64 results -----------------------------------------------------------------------------------------------


def _pads(attributes: Mapping[str, Any], rank: int) -> list[tuple[int, int]]:
    begin, end = (attributes.get(name) or [0] * rank for name in ("pads_begin", "pads_end"))
    return list(zip(begin, end))


def _conv(attributes: Mapping[str, Any], inputs: Inputs, name: str = "conv", **more: Any) -> Array:
    x, weight, *bias = inputs
    assert x is not None
    rank = x.ndim - 2
    result: Array = getattr(reference, f"{name}{rank}d")(
        x,
        weight,
        bias[0] if bias else None,
        stride=attributes.get("strides") or 1,
        padding=_pads(attributes, rank),
        dilation=attributes.get("dilations") or 1,
        groups=attributes.get("groups", 1),
        **more,
    )
    return result


def _conv_transpose(attributes: Mapping[str, Any], inputs: Inputs) -> Array:
    return _conv(attributes, inputs, "conv_transpose", output_padding=attributes.get("output_padding") or 0)


def _avg_pool(attributes: Mapping[str, Any], inputs: Inputs) -> Array:
    (x,) = inputs
    assert x is not None
    rank = x.ndim - 2
    result: Array = getattr(reference, f"avg_pool{rank}d")(
        x,
        attributes["kernel"],
        stride=attributes.get("strides") or 1,
        padding=_pads(attributes, rank),
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
        divisor_override=attributes.get("divisor_override") or None,
    )
    return result


def _adaptive_avg_pool(attributes: Mapping[str, Any], inputs: Inputs) -> Array:
    (x,) = inputs
    assert x is not None
    sizes = [None if extent == -1 else extent for extent in attributes["output_size"]]
    result: Array = getattr(reference, f"adaptive_avg_pool{x.ndim - 2}d")(x, sizes)
    return result


def _batch_norm(attributes: Mapping[str, Any], inputs: Inputs) -> Array:
    x, scale, bias, mean, variance = inputs
    assert x is not None and mean is not None and variance is not None
    return reference.batch_norm(x, mean, variance, scale, bias, eps=attributes.get("epsilon", 1e-5))


def _gemm(attributes: Mapping[str, Any], inputs: Inputs) -> Array:
    a, b, *c = (None if array is None else np.asarray(array, np.float64) for array in inputs)
    assert a is not None and b is not None
    a, b = (a.T if attributes.get("trans_a") else a), (b if attributes.get("trans_b") else b.T)
    y = attributes.get("alpha", 1.0) * reference.linear(a, b)
    return y if not c or c[0] is None else y + attributes.get("beta", 1.0) * c[0]


def _one(function: Callable[[Any], Array]) -> Callable[[Mapping[str, Any], Inputs], Array]:
    return lambda attributes, inputs: function(inputs[0])


_EXACT: dict[str, Callable[[Mapping[str, Any], Inputs], Array]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "batch_norm": _batch_norm,
    "gemm": _gemm,
    "relu": _one(reference.relu),
    "sigmoid": _one(reference.sigmoid),
    "silu": _one(reference.silu),
    "hard_swish": _one(reference.hardswish),
}
