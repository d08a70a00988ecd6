"""Arithmetic, comparison and logic, element by element with NumPy's broadcasting."""

from __future__ import annotations

import numpy as np

from fastconv.onnx.registry import ANY, BOOL, NUMBER, Node, Unsupported, translates

_FLOAT_UNARY = {
    "Sqrt": "sqrt",
    "Exp": "exp",
    "Log": "log",
    "Erf": "erf",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Reciprocal": "reciprocal",
    "Sin": "sin",
    "Cos": "cos",
}
_NUMBER_UNARY = {"Neg": "neg", "Abs": "abs", "Sign": "sign"}
_BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}
_VARIADIC = {"Min": "min", "Max": "max", "Sum": "add"}
_COMPARISON = {
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
}
_LOGIC = {"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"}


@translates(*_FLOAT_UNARY)
def float_unary(node: Node) -> str:
    """Translate a function of one float32 element."""
    return node.add(_FLOAT_UNARY[node.op_type], node.input(0))


@translates(*_NUMBER_UNARY, types=NUMBER)
def number_unary(node: Node) -> str:
    """Translate a function of one number."""
    return node.add(_NUMBER_UNARY[node.op_type], node.input(0))


@translates("Not", types=BOOL)
def logical_not(node: Node) -> str:
    """Translate the negation."""
    return node.add("logical_not", node.input(0))


@translates(*_BINARY, *_COMPARISON, types=NUMBER)
def binary(node: Node) -> str:
    """Translate an operator of two numbers of one type."""
    node.same_type(0, 1)
    return node.add((_BINARY | _COMPARISON)[node.op_type], node.input(0), node.input(1))


@translates("Equal", types=NUMBER | BOOL)
def equal(node: Node) -> str:
    """Translate the comparison for equality."""
    node.same_type(0, 1)
    return node.add("equal", node.input(0), node.input(1))


@translates(*_LOGIC, types=BOOL)
def logic(node: Node) -> str:
    """Translate an operator of two truth values."""
    return node.add(_LOGIC[node.op_type], node.input(0), node.input(1))


@translates(*_VARIADIC, types=NUMBER)
def variadic(node: Node) -> str:
    """Translate a fold over any number of inputs."""
    node.same_type(*range(len(node.inputs)))
    result, *others = node.inputs
    for other in others:
        result = node.add(_VARIADIC[node.op_type], result, other)
    return result


@translates("Mean")
def mean(node: Node) -> str:
    """Translate the mean of any number of inputs."""
    count = node.constant(len(node.inputs), "float32")
    result, *others = node.inputs
    for other in others:
        result = node.add("add", result, other)
    return node.add("div", result, count)


@translates("Pow", types=NUMBER)
def power(node: Node) -> str:
    """Translate the power; the result has the base's type, whatever the exponent's."""
    exponent = node.input(1)
    if node.dtype(1) != node.dtype(0):
        if node.dtype(0) != "float32":
            raise Unsupported(f"{node.dtype(0)} to the power of {node.dtype(1)}")
        exponent = node.add("cast", exponent, to="float32")
    return node.add("pow", node.input(0), exponent)


@translates("Mod", types=NUMBER)
def modulo(node: Node) -> str:
    """Translate the remainder, with the sign of the divisor (Python's) or of the dividend (C's fmod)."""
    node.same_type(0, 1)
    return node.add("fmod" if node.attribute("fmod", 0) else "mod", node.input(0), node.input(1))


@translates("Where", types=BOOL)
def where(node: Node) -> str:
    """Translate the choice between two values."""
    node.same_type(1, 2)
    return node.add("where", node.input(0), node.input(1), node.input(2))


@translates("Cast", "CastLike", types=ANY)
def cast(node: Node) -> str:
    """Translate a conversion between native types."""
    target = node.output_dtype()
    if target not in ANY:
        raise Unsupported(f"data type {target or 'unknown'} of the output")
    return node.input(0) if target == node.dtype(0) else node.add("cast", node.input(0), to=target)


@translates("IsNaN")
def is_nan(node: Node) -> str:
    """Translate x != x."""
    return node.add("logical_not", node.add("equal", node.input(0), node.input(0)))


@translates("IsInf")
def is_inf(node: Node) -> str:
    """Translate a comparison with the infinities asked for."""
    negative, positive = node.attribute("detect_negative", 1), node.attribute("detect_positive", 1)
    if negative and positive:
        return node.add("equal", node.add("abs", node.input(0)), node.constant(np.inf, "float32"))
    if not negative and not positive:
        raise Unsupported("neither infinity is asked for")
    return node.add("equal", node.input(0), node.constant(np.inf if positive else -np.inf, "float32"))
