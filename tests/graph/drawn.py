"""Graphs drawn call by call: what the tests of whole networks share.

A graph output has memory of its own, so in a network whose every value is an output (`keep`) nothing is placed. A
network without them must give the same, bit for bit.
"""

from collections.abc import Callable

import numpy as np

from fastconv import _core


class Builder:
    """A graph in the making; calls are operators, arrays are constants."""

    def __init__(self, keep: bool, seed: int = 0) -> None:
        self.graph, self.keep, self.feed = _core.Graph(), keep, {}
        self.at: dict[int, int] = {}  # where a value stands among the outputs
        self.rng = np.random.default_rng(seed)

    def floats(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def input(self, *shape: int) -> int:
        self.feed[f"x{len(self.feed)}"] = self.floats(*shape)
        return self.graph.input(f"x{len(self.feed) - 1}", "float32", list(shape))

    def add(self, op: str, *operands, outputs: int = 1, **attributes) -> list[int]:
        values = [v if isinstance(v, int) or v is None else self.graph.constant(np.asarray(v)) for v in operands]
        results = self.graph.add(op, values, attributes, outputs, name=op)
        if self.keep:
            self.output(*results)
        return results

    def __getattr__(self, op: str) -> Callable[..., int]:
        return lambda *operands, **attributes: self.add(op, *operands, **attributes)[0]

    def output(self, *values: int) -> None:
        for value in (v for v in values if v not in self.at):
            self.at[value] = len(self.at)
            self.graph.output(value, f"y{self.at[value]}")


def layer(b: Builder, x: int, c: int, k: int, size: int = 3, **attributes) -> int:
    """A convolution with a ReLU that keeps the image's extents."""
    pads = {"pads_begin": [size // 2] * 2, "pads_end": [size // 2] * 2}
    groups = attributes.get("groups", 1)
    return b.relu(b.conv(x, b.floats(k, c // groups, size, size), b.floats(k), **{**pads, **attributes}))


def norm(b: Builder, x: int, c: int) -> int:
    return b.batch_norm(x, *(np.abs(b.floats(c)) for _ in range(4)))


def joined(b: Builder, *values: int, axis: int = 1) -> int:
    return b.concat(*values, axis=axis)


def pool3(b: Builder, x: int, op: str = "max_pool") -> int:
    return b.add(op, x, kernel=[3, 3], pads_begin=[1, 1], pads_end=[1, 1])[0]


def image(b: Builder, c: int = 8, n: int = 2) -> int:
    """A value that convolutions have written: graph inputs are plain and would be converted first."""
    return layer(b, b.input(n, 3, 9, 7), 3, c, 1)
