"""Shapes: what reads them, and what gives data another one without moving it."""

from __future__ import annotations

import numpy as np

from fastconv.onnx.registry import ANY, NUMBER, Node, Unsupported, translates

_LARGEST_FILLED = 2**26  # elements of a constant that is filled while translating; a larger one is expanded


@translates("Identity", types=ANY)
def identity(node: Node) -> str:
    """Translate nothing: the output is the input."""
    return node.input(0)


@translates("Shape", types=ANY)
def shape(node: Node) -> str:
    """Translate the extents, or those in [start, end)."""
    return node.add("shape", node.input(0), start=node.attribute("start"), end=node.attribute("end"))


@translates("Size", types=ANY)
def size(node: Node) -> str:
    """Translate the number of elements."""
    return node.add("size", node.input(0))


@translates("ConstantOfShape", types=frozenset({"int64"}))
def constant_of_shape(node: Node) -> str:
    """Translate a tensor filled with one value, expanded so that 64-bit integers stay exact."""
    value = node.attribute("value", np.zeros(1, np.float32))
    if str(value.dtype) not in ANY or value.size != 1:
        raise Unsupported(f"a value of {value.size} elements of type {value.dtype}")
    extents = node.value(0)
    if extents is not None and (extents >= 0).all() and np.prod(extents, dtype=float) < _LARGEST_FILLED:
        return node.constant(np.full(extents, value.reshape(())), str(value.dtype))
    fill = node.constant(value.reshape(()), str(value.dtype))
    return node.add("expand", fill, node.input(0))


@translates("Range", types=NUMBER)
def arange(node: Node) -> str:
    """Translate start, start + delta, ... below limit."""
    return node.add("range", node.input(0), node.input(1), node.input(2))


@translates("Reshape", types=ANY)
def reshape(node: Node) -> str:
    """Translate the same elements under another shape."""
    return node.add("reshape", node.input(0), node.input(1), allowzero=node.attribute("allowzero", 0))


@translates("Flatten", types=ANY)
def flatten(node: Node) -> str:
    """Translate the view as a matrix."""
    return node.add("flatten", node.input(0), axis=node.attribute("axis", 1))


@translates("Squeeze", "Unsqueeze", types=ANY)
def squeeze(node: Node) -> str:
    """Translate axes of extent 1 that go or come; they are an attribute before opset 13."""
    axes = node.optional(1) if node.opset >= 13 else node.optional_ints(node.attribute("axes"))
    return node.add(node.op_type.lower(), node.input(0), axes)
