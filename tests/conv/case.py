"""One convolution to test: its arguments, its operands, what it must give, and a line that reproduces it.

Operands are small integers in float32, so that every partial sum stays below 2^24 and every order of summation is
exact. `generator.py` draws cases, the tests run them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastconv import reference

EXACT = 2**24  # every integer up to here is a float32
MEMORY_FORMS = ("contiguous", "readonly", "strided", "reversed", "permuted", "unaligned")


@dataclass(frozen=True)
class ConvCase:
    """A convolution or transposed convolution; `eval(repr(case))` is the case again.

    `n` is None for un-batched input. `padding` is "same", "valid" or a (before, after) pair per axis. Weights are
    multiples of `weight_step`; multiples of 4 make Winograd's F(2,3) exact. `memory` is the form of all operands.
    """

    ndim: int
    transposed: bool
    n: int | None
    c: int
    k: int
    groups: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    bias: bool
    layout: str
    memory: str
    weight_step: int
    seed: int

    @property
    def function(self) -> str:
        """The name of the function of `fastconv` and of `fastconv.reference`."""
        return f"conv{'_transpose' if self.transposed else ''}{self.ndim}d"

    @property
    def arguments(self) -> dict:
        """The keyword arguments beside the operands."""
        arguments = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}
        if self.transposed:
            arguments["output_padding"] = self.output_padding
        return arguments | {"layout": self.layout}

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """`padding` in cells."""
        if self.padding == "same":
            return tuple(reference.same_padding(r, d) for r, d in zip(self.kernel, self.dilation))
        return ((0, 0),) * self.ndim if self.padding == "valid" else self.padding

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial sizes of the output; not positive where the case makes no sense."""
        axes = self.spatial, self.kernel, self.stride, self.pads
        if self.transposed:
            sizes = map(reference.conv_transpose_output_size, *axes, self.output_padding, self.dilation)
        else:
            sizes = map(reference.conv_output_size, *axes, self.dilation)
        return tuple(sizes)

    @property
    def macs(self) -> int:
        """Multiply-adds of the direct algorithm."""
        positions = math.prod(self.spatial if self.transposed else self.output_size)
        return (1 if self.n is None else self.n) * positions * self.k * self.reduction

    @property
    def outputs(self) -> int:
        """Values of the result; a transposed convolution spreads few products over many."""
        return (1 if self.n is None else self.n) * math.prod(self.output_size) * self.k

    @property
    def reduction(self) -> int:
        """The most products that are summed into one output."""
        return self.c // self.groups * math.prod(self.kernel)

    @property
    def room(self) -> int:
        """By what the operands may be multiplied, in all, before a sum can reach 2^24."""
        x_high, w_high = self._magnitudes()
        return EXACT // (self.reduction * x_high * w_high * self.weight_step + 100)

    def operands(self, x_scale: int = 1, w_scale: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Input, weight and bias (None without) in the case's form of memory, multiplied by integers."""
        rng = np.random.default_rng(self.seed)
        x_high, w_high = self._magnitudes()
        weight_shape = (self.c, self.k // self.groups) if self.transposed else (self.k, self.c // self.groups)
        x = _integers(rng, x_high, self._x_shape()) * np.float32(x_scale)
        weight = _integers(rng, w_high, weight_shape + self.kernel) * np.float32(self.weight_step * w_scale)
        bias = _integers(rng, 99, (self.k,)) * np.float32(x_scale * w_scale) if self.bias else None
        x, weight = in_memory(x, self.memory), in_memory(weight, self.memory)
        return x, weight, None if bias is None else in_memory(bias, self.memory)

    def expected(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """What the specification says, in float64."""
        return getattr(reference, self.function)(x, weight, bias, **self.arguments)

    def _x_shape(self) -> tuple[int, ...]:
        batch = () if self.n is None else (self.n,)
        return (*batch, self.c, *self.spatial) if self.layout == "NCHW" else (*batch, *self.spatial, self.c)

    def _magnitudes(self) -> tuple[int, int]:
        """Largest input and largest weight (in steps) for which no sum, nor one of F(2,3), reaches 2^24."""
        growth = 9 if self.weight_step > 1 else 1  # F(2,3) sums 9 transformed products, each up to 9 times larger
        growth *= growth * self.weight_step
        room = (EXACT - 100) // (self.reduction * growth)
        assert room >= 1, f"reduction of {self.reduction} is too long to be exact: {self}"
        w_high = min(8 // self.weight_step + 1, room)
        return min(9, room // w_high), w_high


def _integers(rng: np.random.Generator, high: int, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(-high, high + 1, shape).astype(np.float32)


def in_memory(a: np.ndarray, form: str) -> np.ndarray:
    """`a` with another layout of its bytes; what lies between its elements is NaN."""
    if form == "readonly":
        a = a.copy()
        a.flags.writeable = False
    elif form == "strided":
        spread = np.full([2 * size for size in a.shape], np.nan, a.dtype)
        spread[tuple(slice(None, None, 2) for _ in a.shape)] = a
        a = spread[tuple(slice(None, None, 2) for _ in a.shape)]
    elif form == "reversed":
        a = np.flip(np.flip(a).copy())
    elif form == "permuted":
        a = np.asfortranarray(a)
    elif form == "unaligned":
        moved = np.ndarray(a.shape, a.dtype, bytearray(a.nbytes + 1), offset=1)
        moved[...] = a
        a = moved
    return a
