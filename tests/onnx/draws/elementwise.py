"""Draws of what computes element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper

from .draw import Draw, Use, ints


def unary(low: float = -4, high: float = 4, ints: bool = False, **attributes: Any) -> Callable[[Draw], Use]:
    def draw(g: Draw) -> Use:
        x = g.numbers(g.shape(), "int32") if ints and g.opset >= 14 and g.yes(0.3) else g.floats(g.shape(), low, high)
        return Use([x], g.some(**{name: g.one_of(*values) for name, values in attributes.items()}))

    return draw


def binary(g: Draw) -> Use:
    kind, shape = g.number_kind(), g.shape()
    pair = [g.numbers(shape, kind), g.numbers(g.part(shape), kind)]
    return Use(pair[:: g.one_of(1, -1)], {})


def equal(g: Draw) -> Use:
    kind, shape = g.one_of("int64", "int32", "bool", *(["float32"] if g.opset >= 11 else [])), g.shape()
    return Use([g.numbers(shape, kind), g.numbers(g.part(shape), kind)], {})


def power(g: Draw) -> Use:
    shape = g.shape()
    if g.opset >= 12 and g.yes():
        return Use([g.floats(shape), g.one_of(ints(2), np.int32(3), np.float32(2))], {})
    return Use([g.floats(shape, 0.1, 4), g.floats(g.part(shape))], {})


def extremes(g: Draw) -> Use:
    kind = g.number_kind() if g.opset >= 12 else "float32"
    shape = g.shape()
    return Use([g.numbers(g.part(shape) if g.opset >= 8 else shape, kind) for _ in range(g.int(1, 3))], {})


def prelu(g: Draw) -> Use:
    shape = g.shape(2)
    slope = [shape[1]] + [1] * (len(shape) - 2) if g.yes() else g.part(shape)
    return Use([g.floats(shape), g.floats(slope)], {})


def clip(g: Draw) -> Use:
    if g.opset < 11:
        return Use([g.floats(g.shape())], g.some(min=-1.5, max=1.0))
    kind = g.number_kind() if g.opset >= 12 else "float32"
    limits = [np.array(limit, kind) if g.yes() else None for limit in (-1, 2)]
    return Use([g.numbers(g.shape(), kind), *limits], {})


def where(g: Draw) -> Use:
    shape, kind = g.shape(), g.one_of("float32", "int64", "int32", "uint8")
    return Use([g.numbers(g.part(shape), "bool"), g.numbers(shape, kind), g.numbers(g.part(shape), kind)], {})


def cast(g: Draw) -> Use:
    kinds = ("float32", "int32", "int64", "uint8", "bool")
    source = g.one_of(*kinds)
    x = np.abs(g.numbers(g.shape(), source)) if source != "bool" else g.numbers(g.shape(), source)
    return Use([x], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(g.one_of(*kinds)))})


def dropout(g: Draw) -> Use:
    if g.opset < 12:
        return Use([g.floats(g.shape())], g.some(ratio=0.3))  # what the mask holds is not said
    return Use([g.floats(g.shape())], {}, g.int(1, 2))
