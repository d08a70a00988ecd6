"""Draws of what reduces or searches along axes."""

import math

import numpy as np

from .draw import Draw, Use, ints


def reduction(g: Draw, op: str) -> Use:
    shape = g.shape()
    kind = "float32" if op == "ReduceMean" else g.one_of("float32", "int32", "int64")
    attributes, inputs = g.some(keepdims=g.int(0, 1)), [g.numbers(shape, kind)]
    as_input = g.opset >= (13 if op == "ReduceSum" else 18)
    if g.yes(0.8):
        axes = g.axes(len(shape))
        if as_input:
            inputs.append(ints(axes))
        else:
            attributes["axes"] = axes
    elif as_input:
        attributes |= g.some(noop_with_empty_axes=g.int(0, 1))
    return Use(inputs, attributes)


def arg_max(g: Draw) -> Use:
    shape = g.shape()
    attributes = g.some(axis=g.axis(len(shape)), keepdims=g.int(0, 1))
    if g.opset >= 12:
        attributes |= g.some(select_last_index=g.int(0, 1))
    return Use([g.one_of(g.floats(shape), g.numbers(shape, "int32"))], attributes)


def top_k(g: Draw) -> Use:
    shape = g.shape()
    axis = g.axis(len(shape))
    x, k = g.random.permutation(math.prod(shape)).reshape(shape).astype(np.float32), g.int(1, shape[axis])
    if g.opset < 10:
        return Use([x], {"axis": axis, "k": k}, 2)
    attributes = g.some(largest=g.int(0, 1), sorted=1) if g.opset >= 11 else {}
    return Use([x, ints([k])], {"axis": axis, **attributes}, 2)
