"""Draws of what makes tensors of attributes and of shapes."""

import onnx

from .draw import Draw, Use, ints


def shape(g: Draw) -> Use:
    attributes = g.some(start=g.int(-3, 3), end=g.int(-3, 3)) if g.opset >= 15 else {}
    return Use([g.numbers(g.shape(), g.any_kind())], attributes)


def constant(g: Draw) -> Use:
    values = [{"value": onnx.numpy_helper.from_array(g.numbers(g.shape(), g.any_kind()))}]
    if g.opset >= 12:
        values += [{"value_float": 1.5}, {"value_floats": [1.0, 2.0]}, {"value_int": 3}, {"value_ints": [1, 2]}]
    return Use([], g.one_of(*values))


def constant_of_shape(g: Draw) -> Use:
    kind = g.one_of("float32", "int64", "int32", "uint8", "bool")
    return Use([ints(g.shape())], g.some(value=onnx.numpy_helper.from_array(g.numbers([1], kind))))
