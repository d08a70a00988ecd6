"""A process that runs malformed nodes: each operator's usual arguments with a few of them replaced by hostile ones.

    python -m tests.graph.hostile --seed 0 --count 50 [--only OP]

Inputs lie against an unreadable page at their end, and memory is limited: what reads out of bounds, divides by zero or
wants the whole machine ends the process. Prints how many nodes were refused and how many ran, as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng

from fastconv import _core
from tests.conv.guarded import guarded

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "int8", "bool")
INTEGERS = (-(2**63), -(2**62), -(2**40), -17, -2, -1, 0, 1, 2, 3, 17, 2**40, 2**59, 2**62, 2**63 - 1)
REALS = (-1e300, -1.0, 0.0, 1e-300, 1e-7, 0.3, 1.0, 3.5, 1e7, 1e18, 1e300, float("inf"), float("-inf"), float("nan"))
# Names that mean something somewhere, and some that do not.
STRINGS = ("", "x", "valid", "same_upper", "same_lower", "plane", "float32", "bool", "tanh", "reflect", "edge", "wrap",
           "CRD", "linear", "cubic", "align_corners", "tf_crop_and_resize", "not_larger", "not_smaller")  # fmt: skip


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def floats(*shape: int) -> np.ndarray:
    return default_rng(1).standard_normal(shape).astype(np.float32)


@dataclass
class Usual:
    """Arguments of an operator that make a good node."""

    inputs: list[np.ndarray | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1


def usual_nodes() -> dict[str, Usual]:
    x, c, s = floats(2, 4, 6, 5), floats(4), np.ones((), np.float32)
    window = Usual([x], {"kernel": [3, 2], "strides": [2, 1], "pads_begin": [1, 0], "pads_end": [0, 1]})
    bools, numbers = x > 0, (10 * x).astype(np.int64)
    nodes = {
        "reshape": Usual([x, ints(2, -1)]),
        "squeeze": Usual([floats(2, 1, 3), ints(1)]),
        "unsqueeze": Usual([x, ints(0, -1)]),
        "shape": Usual([x], {"start": 1}),
        "constant_of_shape": Usual([ints(2, 3)], {"value": 2.0}),
        "range": Usual([np.array(n) for n in (0, 9, 2)]),
        "cast": Usual([x], {"to": "int32"}),
        "conv": Usual([x, floats(6, 2, 3, 3), floats(6)], {"groups": 2, "pads_begin": [1, 1], "pads_end": [1, 1]}),
        "conv_transpose": Usual([x, floats(4, 3, 3, 3), None], {"strides": [2, 2], "output_padding": [1, 0]}),
        "matmul": Usual([floats(2, 3, 4), floats(4, 5)]),
        "gemm": Usual([floats(3, 4), floats(4, 5), floats(5)], {"alpha": 2.0}),
        "batch_norm": Usual([x, c, c, c, c * c]),
        "logical_not": Usual([bools]),
        "clip": Usual([x, s, None]),
        "where": Usual([bools, x, x]),
        "topk": Usual([x, ints(2)], {"axis": 1}, outputs=2),
        "cumsum": Usual([x, np.array(1)]),
        "layer_norm": Usual([x, floats(5), floats(5)]),
        "instance_norm": Usual([x, c, c]),
        "group_norm": Usual([x, c, c], {"groups": 2}),
        "lrn": Usual([x], {"size": 3}),
        "transpose": Usual([x], {"perm": [0, 2, 3, 1]}),
        "concat": Usual([x, x, x], {"axis": 1}),
        "split": Usual([x, ints(1, 3)], {"axis": 1}, outputs=2),
        "slice": Usual([x, ints(0, -1), ints(2, -9), ints(1, 2), ints(1, -2)]),
        "expand": Usual([floats(4, 1, 5), ints(2, 1, 6, 1)]),
        "tile": Usual([x, ints(1, 2, 1, 3)]),
        "depth_to_space": Usual([x], {"blocksize": 2}),
        "space_to_depth": Usual([floats(1, 2, 4, 6)], {"blocksize": 2}),
        "pad": Usual([x, ints(0, 1, 2, 3, 0, -1, 1, 0), s, None], {"mode": "constant"}),
        "gather": Usual([x, ints(0, -1, 3)], {"axis": 1}),
        "gather_elements": Usual([x, np.zeros((2, 3, 6, 5), np.int64)], {"axis": 1}),
        "max_pool": Usual([x], window.attributes, outputs=2),
        "avg_pool": window,
        "adaptive_max_pool": Usual([x], {"output_size": [3, 2]}, outputs=2),
        "adaptive_avg_pool": Usual([x], {"output_size": [3, 2]}),
        "resize": Usual([x, None, np.array([1, 1, 2, 0.5], np.float32), None], {"mode": "linear"}),
    }
    for op, row in _core.operators().items():
        if op.startswith("reduce_"):
            nodes[op] = Usual([x, ints(1, -1)])
        elif op.startswith("logical_") and op not in nodes:
            nodes[op] = Usual([bools, bools])
        elif op not in nodes:  # unary and binary, argmax and softmax
            nodes[op] = Usual([numbers if op in ("div", "mod", "fmod", "pow") else x] * row["inputs"][0])
    return nodes


class Hostile:
    """Draws what no operator expects."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng

    def some(self, pool: tuple[Any, ...]) -> Any:
        return pool[self.rng.integers(len(pool))]

    def shape(self) -> list[int]:
        return [self.some((0, 1, 1, 2, 3, 4, 5, 6)) for _ in range(self.some((0, 1, 2, 3, 4, 4, 5, 6)))]

    def attribute(self, kind: str) -> Any:
        if kind == "int":
            return self.some(INTEGERS)
        if kind == "float":
            return self.some(REALS)
        if kind == "str":
            return self.some(STRINGS)
        return [self.some(INTEGERS) for _ in range(self.some((0, 1, 2, 2, 2, 3, 4, 5)))]

    def array(self, usual: np.ndarray | None) -> np.ndarray | None:
        """Another shape, another type, or, in arguments, other values."""
        change = self.some(("shape", "type", "values", "absent", "axis"))
        if change == "absent":
            return None
        if usual is None or change == "shape":
            shape = self.shape()
            dtype = self.some(DTYPES) if usual is None else usual.dtype
        elif change == "axis" and usual.ndim:
            shape = list(usual.shape)
            shape[self.rng.integers(usual.ndim)] = self.some((0, 1, 7))
            dtype = usual.dtype
        else:
            shape, dtype = list(usual.shape), self.some(DTYPES) if change == "type" else usual.dtype
        pool = INTEGERS if np.issubdtype(dtype, np.integer) and change != "type" else (-1, 0, 1, 2, 3)
        if np.issubdtype(dtype, np.floating) and change == "values":
            pool = REALS
        values = [self.some(pool) for _ in range(int(np.prod(shape)))]
        if np.issubdtype(dtype, np.integer):
            limits = np.iinfo(dtype)
            values = [min(max(value, limits.min), limits.max) for value in values]
        with np.errstate(over="ignore"):
            return np.array(values, np.dtype(dtype)).reshape(shape)

    def node(self, op: str, usual: Usual) -> Usual:
        """The usual node with one to three arguments replaced."""
        declared = _core.operators()[op]
        node = Usual(list(usual.inputs), dict(usual.attributes), usual.outputs)
        for _ in range(self.some((1, 1, 2, 3))):
            if declared["attributes"] and self.rng.integers(2):
                name = self.some(tuple(declared["attributes"]))
                node.attributes[name] = self.attribute(declared["attributes"][name])
            else:
                i = self.rng.integers(len(node.inputs))
                node.inputs[i] = self.array(node.inputs[i])
        few, many = declared["outputs"]
        node.outputs = self.rng.integers(few, 1 + (many or 50))
        return node


def run(node: Usual, op: str, constant: list[bool]) -> None:
    graph, feed, values = _core.Graph(), {}, []
    for i, array in enumerate(node.inputs):
        if array is None:
            values.append(None)
        elif constant[i]:
            values.append(graph.constant(array))
        else:
            feed[f"x{i}"] = guarded(array, at_end=True)
            values.append(graph.input(f"x{i}", str(array.dtype), [-1] * array.ndim))
    for i, value in enumerate(graph.add(op, values, node.attributes, outputs=node.outputs)):
        graph.output(value, f"y{i}")
    _core.Network(graph).run(feed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--only")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    outcomes: dict[str, Counter[str]] = {}
    for op, usual in usual_nodes().items():
        if options.only not in (None, op):
            continue
        run(usual, op, [False] + [True] * 9)  # good as it is
        outcomes[op] = Counter()
        for number in range(options.count):
            rng = default_rng([options.seed, number, *op.encode()])
            node, constant = Hostile(rng).node(op, usual), [bool(rng.integers(2)) for _ in range(9)]
            print(op, number, node.attributes, [(a.dtype, a.shape) if a is not None else a for a in node.inputs],
                  constant[: len(node.inputs)], flush=True)  # fmt: skip
            try:
                run(node, op, constant)
                outcomes[op]["ran"] += 1
            except (ValueError, TypeError, MemoryError) as error:
                outcomes[op][type(error).__name__] += 1
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
