"""Elementwise operators. They keep the order of axes that their inputs are there in, so that layers take them in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastconv.tflite.registry import Node, channels_first, translates

_UNARY = {
    "RELU": "relu",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "HARD_SWISH": "hard_swish",
    "ELU": "elu",
    "EXP": "exp",
    "LOG": "log",
    "SQRT": "sqrt",
    "NEG": "neg",
    "ABS": "abs",
    "FLOOR": "floor",
    "CEIL": "ceil",
    "ROUND": "round",
    "SIN": "sin",
    "COS": "cos",
}
_CLIPS = {"RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
_BINARY = {
    "ADD": "add",
    "SUB": "sub",
    "MUL": "mul",
    "DIV": "div",
    "POW": "pow",
    "MAXIMUM": "max",
    "MINIMUM": "min",
    "FLOOR_MOD": "mod",
    "SQUARED_DIFFERENCE": "sub",
    "PRELU": "prelu",
}


def _map(node: Node, function: Callable[[int], int]) -> None:
    """Apply a function to the first input, in the order of axes that it is there in."""
    first = node.is_first(0)
    node.gives(function(node.first(0) if first else node.input(0)), first=first)


@translates(*_UNARY)
def unary(node: Node) -> None:
    """Translate a function of each element."""
    _map(node, partial(node.add, _UNARY[node.name]))


@translates(*_CLIPS)
def clip(node: Node) -> None:
    """Translate limits."""
    low, high = _CLIPS[node.name]
    _map(node, lambda x: node.add("clip", x, node.number(low), node.number(high)))


@translates("LEAKY_RELU")
def leaky_relu(node: Node) -> None:
    """Translate x < 0 ? alpha x : x."""
    _map(node, lambda x: node.add("leaky_relu", x, alpha=node.option("Alpha")))


@translates("GELU")
def gelu(node: Node) -> None:
    """Translate GELU, by erf or by tanh."""
    approximate = "tanh" if node.option("Approximate", False) else "none"
    _map(node, lambda x: node.add("gelu", x, approximate=approximate))


@translates("RSQRT")
def rsqrt(node: Node) -> None:
    """Translate 1 / sqrt(x)."""
    _map(node, lambda x: node.add("reciprocal", node.add("sqrt", x)))


@translates("SQUARE")
def square(node: Node) -> None:
    """Translate x * x."""
    _map(node, lambda x: node.add("mul", x, x))


@translates(*_BINARY)
def binary(node: Node) -> None:
    """Translate a function of two values, NumPy's broadcasting."""
    first = any(map(node.is_first, range(2)))
    a, b = (_aligned(node, index) if first else node.input(index) for index in range(2))
    y = node.add(_BINARY[node.name], a, b)
    if node.name == "SQUARED_DIFFERENCE":
        y = node.add("mul", y, y)
    node.gives(node.activated(y), first=first)


def _aligned(node: Node, index: int) -> int:
    """Return an input beside one with channels first: of fewer axes, it lacks those in front."""
    rank, most = node.rank(index), max(map(node.rank, range(2)))
    if rank == most:
        return node.first(index)
    if rank == 0:
        return node.input(index)
    whole = node.ints(range(most - rank))
    return node.add("transpose", node.add("unsqueeze", node.input(index), whole), perm=channels_first(most))


@translates("SOFTMAX", "LOG_SOFTMAX")
def softmax(node: Node) -> None:
    """Translate the softmax over the last axis, of beta times x."""
    x, beta = node.input(0), node.option("Beta", 1.0) if node.name == "SOFTMAX" else 1.0
    if beta != 1:
        x = node.add("mul", x, node.number(beta))
    node.gives(node.add(node.name.lower(), x, axis=-1))
