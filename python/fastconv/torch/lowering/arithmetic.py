"""Arithmetic of two tensors, or of a tensor and a number; and of the ints that shapes are computed with."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import Node

from fastconv.torch.lowering.registry import ANY, Call, UnsupportedError, Values, translates

aten = torch.ops.aten

_BINARY = {
    aten.mul.Tensor: "mul",
    aten.mul.Scalar: "mul",
    aten.div.Tensor: "div",
    aten.div.Scalar: "div",
    aten.maximum.default: "max",
    aten.minimum.default: "min",
    aten.pow.Tensor_Tensor: "pow",
    aten.pow.Scalar: "pow",
}
_SUM = {
    aten.add.Tensor: "add",
    aten.add.Scalar: "add",
    aten.sub.Tensor: "sub",
    aten.sub.Scalar: "sub",
}
_INTEGERS = {operator.add: "add", operator.sub: "sub", operator.mul: "mul"}


@translates(*_BINARY)
def binary(call: Call, a: Any, b: Any) -> Values:
    """Translate an operation with NumPy's broadcasting."""
    return call.add(_BINARY[call.target], _operand(call, a), _operand(call, b))


@translates(*_SUM)
def plus(call: Call, a: Any, b: Any, alpha: Any) -> Values:
    """Translate a + alpha b, and a - alpha b."""
    return call.add(_SUM[call.target], _operand(call, a), _scaled(call, b, alpha))


@translates(aten.rsub.Scalar, aten.rsub.Tensor)
def rsub(call: Call, a: Any, b: Any, alpha: Any) -> Values:
    """Translate b - alpha a."""
    return call.add("sub", _operand(call, b), _scaled(call, a, alpha))


@translates(aten.pow.Tensor_Scalar)
def power(call: Call, x: Node, exponent: Any) -> Values:
    """Translate a power, the common ones by what is exact."""
    value = call.value(x)
    if exponent == 2:
        return call.add("mul", value, value)
    if exponent == 0.5:
        return call.add("sqrt", value)
    return call.add("pow", value, _operand(call, exponent))


def _operand(call: Call, x: Any) -> int:
    if isinstance(x, Node) and not isinstance(x.meta["val"], torch.Tensor):
        raise UnsupportedError("arithmetic of a tensor and an extent")
    return call.value(x)


def _scaled(call: Call, x: Any, factor: Any) -> int:
    value = _operand(call, x)
    return value if factor == 1 else call.add("mul", value, _operand(call, factor))


@translates(aten.sym_size.int, types=ANY)
def sym_size(call: Call, x: Node, axis: int) -> Values:
    """Translate one extent of a tensor."""
    axis = axis % call.rank(x)
    return call.add("shape", call.value(x), start=axis, end=axis + 1)


@translates(*_INTEGERS)
def integers(call: Call, a: Any, b: Any) -> Values:
    """Translate arithmetic of extents."""
    return call.add(_INTEGERS[call.target], call.integer(a), call.integer(b))


@translates(torch.sym_sum)
def integer_sum(call: Call, terms: Sequence[Any]) -> Values:
    """Translate a sum of extents."""
    return functools.reduce(lambda a, b: call.add("add", a, b), map(call.integer, terms))


@translates(operator.floordiv)
def floor_division(call: Call, a: Any, b: Any) -> Values:
    """Translate a quotient of extents, rounded down: integer division here rounds towards zero."""
    dividend, divisor = call.integer(a), call.integer(b)
    rest = call.add("mod", dividend, divisor)
    return call.add("div", call.add("sub", dividend, rest), divisor)
