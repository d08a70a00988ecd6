"""Random calls of ``tf.nn`` on exact data: what `make_results` stores and compares, and the tests replay.

A case is plain JSON, so that stored ones mean the same for ever: the function, the shapes of its arrays, and its other
arguments. Its numbers are small integers made by arithmetic alone, whose sums are exact in float32.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np

Case = dict[str, Any]
MAX_OUTPUTS, MAX_MACS = 700, 2_000_000
FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}
SIZES = {1: 23, 2: 11, 3: 6}  # the largest image axis by rank


def numbers(shape: list[int], salt: int) -> np.ndarray:
    """Integers from -3 to 3, the same everywhere for the same shape and salt."""
    x = np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(salt << 32)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return ((x >> np.uint64(40)) % np.uint64(7)).astype(np.float32).reshape(shape) - 3


def arguments(case: Case) -> dict[str, Any]:
    """What a case's function is called with, arrays first."""
    arrays = {name: numbers(shape, salt) for salt, (name, shape) in enumerate(case["arrays"].items())}
    return {**arrays, **case["arguments"]}


def is_exact(case: Case) -> bool:
    """Whether the result is made of integers: of everything but means."""
    return not case["function"].startswith("avg_pool")


def random_case(rng: Random) -> Case:
    """Draw a call that TensorFlow takes."""
    draw = rng.choices([_convolution, _transposed, _depthwise, _separable, _atrous, _pool], [30, 25, 15, 8, 5, 25])[0]
    while True:
        case = draw(rng)
        if case is not None:
            return case


class _Axes:
    """A drawn window: per spatial axis a kernel, stride, dilation, padding, and the sizes before and after."""

    def __init__(self, rng: Random, rank: int, *, dilated: bool = True, explicit: bool = False):
        self.rank = rank
        self.last = rng.random() < 0.7
        equal = rng.random() < 0.5
        self.kernel = _per_axis(rng, rank, [1, 2, 3, 3, 4, 5], equal)
        self.strides = _per_axis(rng, rank, [1, 1, 2, 3, 4], equal)
        self.dilations = _per_axis(rng, rank, [1, 1, 2, 3], equal) if dilated else [1] * rank
        self.reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations)]
        self.padding: Any = rng.choices(["SAME", "VALID", "pairs"], [50, 25, 25 if explicit else 0])[0]
        most = SIZES[rank]
        if self.padding == "pairs":
            self.pairs = [[rng.randint(0, k - 1), rng.randint(0, k - 1)] for k in self.kernel]
            self.padding = [[0, 0], *self.pairs, [0, 0]] if self.last else [[0, 0], [0, 0], *self.pairs]
            least = [max(r - a - b, 1) for r, (a, b) in zip(self.reach, self.pairs)]
        else:
            least = self.reach if self.padding == "VALID" else [1] * rank
        self.size = [rng.randint(n, max(n, most)) for n in least]
        self.result = [self._forward(axis) for axis in range(rank)]

    def _forward(self, axis: int) -> int:
        n, r, s = self.size[axis], self.reach[axis], self.strides[axis]
        if self.padding == "SAME":
            return -(-n // s)
        return (n + (0 if self.padding == "VALID" else sum(self.pairs[axis])) - r) // s + 1

    def fits(self, outputs: list[int], channels: int, macs_each: int) -> bool:
        """Whether a convolution is small, and one that TensorFlow computes.

        oneDNN 3 leaves results unwritten where one channel gives one result along the last axis, by a stride.
        """
        unwritten = channels == 1 and self.result[-1] == 1 and self.strides[-1] > 1
        return _fits(outputs, macs_each) and not unwritten

    def shape(self, batch: int, spatial: list[int], channels: int) -> list[int]:
        return [batch, *spatial, channels] if self.last else [batch, channels, *spatial]

    def spread(self, values: list[int], rng: Random, forms: str) -> Any:
        """One of the forms that strides and dilations come in: "i"nt, "s"patial axes, "a"ll axes."""
        form = rng.choice(forms if len(set(values)) == 1 else forms.replace("i", "") or "a")
        whole = [1, *values, 1] if self.last else [1, 1, *values]
        return {"i": values[0], "s": values, "a": whole}[form]

    @property
    def data_format(self) -> str:
        return FORMATS[self.rank][not self.last]


def _per_axis(rng: Random, rank: int, choices: list[int], equal: bool) -> list[int]:
    return [rng.choice(choices)] * rank if equal else [rng.choice(choices) for _ in range(rank)]


def _fits(outputs: list[int], macs_each: int) -> bool:
    return math.prod(outputs) <= MAX_OUTPUTS and math.prod(outputs) * macs_each <= MAX_MACS


def _convolution(rng: Random) -> Case | None:
    rank = rng.choice([1, 2, 2, 2, 3])
    axes = _Axes(rng, rank, explicit=rank == 2)
    groups = rng.choice([1, 1, 1, 2, 3]) if rank < 3 and axes.last else 1  # as far as TensorFlow goes
    c, k, batch = groups * rng.randint(1, 5), groups * rng.randint(1, 6), rng.randint(1, 3)
    if not axes.fits(axes.shape(batch, axes.result, k), c, c * math.prod(axes.kernel)):
        return None
    forms = "a" if rank == 3 else "isa"
    return {
        "function": f"conv{rank}d",
        "arrays": {"input": axes.shape(batch, axes.size, c), "filters": [*axes.kernel, c // groups, k]},
        "arguments": {
            "stride" if rank == 1 else "strides": axes.spread(axes.strides, rng, forms),
            "padding": axes.padding,
            "data_format": axes.data_format,
            "dilations": axes.spread(axes.dilations, rng, forms),
        },
    }


def _transposed(rng: Random) -> Case | None:
    rank = rng.choice([1, 2, 2, 2, 3])
    axes = _Axes(rng, rank, dilated=rank == 2, explicit=rank == 2)
    c, k, batch = rng.randint(1, 5), rng.randint(1, 6), rng.randint(1, 3)
    output = axes.shape(batch, axes.size, k)
    plain = axes.last and max(axes.dilations) == 1
    if not (_fits(output, c * math.prod(axes.kernel)) and (isinstance(axes.padding, str) or plain)):
        return None  # too large, or more than TensorFlow's kernel for pairs can do
    case: Case = {
        "function": f"conv{rank}d_transpose",
        "arrays": {"input": axes.shape(batch, axes.result, c), "filters": [*axes.kernel, k, c]},
        "arguments": {
            "output_shape": output,
            "strides": axes.spread(axes.strides, rng, "isa"),
            "padding": axes.padding,
            "data_format": axes.data_format,
        },
    }
    if rank == 2:
        case["arguments"]["dilations"] = axes.spread(axes.dilations, rng, "isa")
    return case


def _depthwise_axes(rng: Random) -> _Axes:
    """TensorFlow dilates without strides alone, and by pairs of numbers."""
    axes = _Axes(rng, 2, dilated=rng.random() < 0.5, explicit=True)
    if max(axes.dilations) > 1:
        axes.strides = [1, 1]
        axes.result = [axes._forward(axis) for axis in range(2)]
    return axes


def _depthwise(rng: Random) -> Case | None:
    axes = _depthwise_axes(rng)
    c, m, batch = rng.randint(1, 6), rng.choice([1, 1, 2, 3]), rng.randint(1, 3)
    if not axes.fits(axes.shape(batch, axes.result, c * m), c, math.prod(axes.kernel)):
        return None
    return {
        "function": "depthwise_conv2d",
        "arrays": {"input": axes.shape(batch, axes.size, c), "filter": [*axes.kernel, c, m]},
        "arguments": {
            "strides": axes.spread(axes.strides, rng, "a"),
            "padding": axes.padding,
            "data_format": axes.data_format,
            "dilations": axes.dilations,
        },
    }


def _separable(rng: Random) -> Case | None:
    axes = _depthwise_axes(rng)
    c, m, k, batch = rng.randint(1, 4), rng.choice([1, 2]), rng.randint(1, 5), rng.randint(1, 2)
    if not axes.fits(axes.shape(batch, axes.result, k), c, c * m * math.prod(axes.kernel)):
        return None
    return {
        "function": "separable_conv2d",
        "arrays": {
            "input": axes.shape(batch, axes.size, c),
            "depthwise_filter": [*axes.kernel, c, m],
            "pointwise_filter": [1, 1, c * m, k],
        },
        "arguments": {
            "strides": axes.spread(axes.strides, rng, "a"),
            "padding": axes.padding,
            "data_format": axes.data_format,
            "dilations": axes.dilations,
        },
    }


def _atrous(rng: Random) -> Case | None:
    rate, kernel = rng.randint(1, 4), [rng.randint(1, 4), rng.randint(1, 4)]
    padding = rng.choice(["SAME", "VALID"])
    size = [rng.randint((k - 1) * rate + 1 if padding == "VALID" else 1, 14) for k in kernel]
    c, k, batch = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 2)
    if not _fits([batch, *size, k], c * math.prod(kernel)):
        return None
    return {
        "function": "atrous_conv2d",
        "arrays": {"value": [batch, *size, c], "filters": [*kernel, c, k]},
        "arguments": {"rate": rate, "padding": padding},
    }


def _pool(rng: Random) -> Case | None:
    rank, kind = rng.choice([1, 2, 2, 2, 3]), rng.choice(["max_pool", "avg_pool"])
    function = kind if rng.random() < 0.3 else f"{kind}{rank}d"
    axes = _Axes(rng, rank, dilated=False, explicit=rank == 2 and kind == "max_pool")
    c, batch = rng.randint(1, 9), rng.randint(1, 3)
    fits = _fits(axes.shape(batch, axes.result, c), math.prod(axes.kernel))
    if not (fits and (isinstance(axes.padding, str) or axes.last)):  # TensorFlow pads by pairs where channels are last
        return None
    return {
        "function": function,
        "arrays": {"input": axes.shape(batch, axes.size, c)},
        "arguments": {
            "ksize": axes.spread(axes.kernel, rng, "isa"),
            "strides": axes.spread(axes.strides, rng, "isa"),
            "padding": axes.padding,
            "data_format": axes.data_format,
        },
    }
