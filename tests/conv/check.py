"""Runs one case with one algorithm and compares with the specification. Used by the sweeps and by the other tests."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

import fastconv as fc
from tests.conv.case import ConvCase
from tests.conv.guarded import guarded, guarded_empty

# The operands are integers that bfloat16 holds; for those that split values, multiples of them that it does not hold.
ALGORITHMS = (
    "auto",
    "direct",
    "direct_bf16",
    "direct_bf16x3",
    "direct_bf16x6",
    "im2col",
    "col2im",
    "winograd",
    "winograd2",
    "winograd3",
    "winograd4",
    "winograd6",
    "depthwise",
    "reference",
)

# Largest error of an element in units of 2^-24 * sum |x| |weight|; 0 means exact on the cases' integers. What chooses
# among Winograd's variants has the gate of the worst that precision "highest" admits: that of six points.
GATE = {"auto": 64, "winograd": 64, "winograd2": 8, "winograd3": 64, "winograd4": 64, "winograd6": 256}
SIX_POINTS_GATE = 64
TWO_PIECES = 4095  # the largest factor with which two pieces of bfloat16, 16 bits, hold every operand
UNIT = 2.0**-24


class RefusedError(Exception):
    """The algorithm does not do this case and said why."""


class Check:
    """A case with its operands and what it must give."""

    def __init__(self, case: ConvCase) -> None:
        self.case = case

    @cached_property
    def operands(self) -> tuple[np.ndarray | None, ...]:
        """Input, weight and bias."""
        return self.case.operands()

    def scales(self, algorithm: str) -> tuple[int, int]:
        """What input and weight are multiplied by: for an algorithm that splits them, odd numbers of many bits.

        Of 3 products one operand may have two pieces, of 6 both, or one of them three.
        """
        room = self.case.room
        one, both = room - 1 | 1, math.isqrt(room) - 1 | 1
        if algorithm == "direct_bf16x3":
            one = min(one, TWO_PIECES)
            return ((1, one), (one, 1))[self.case.seed % 2]
        if algorithm == "direct_bf16x6":
            return ((1, one), (one, 1), (both, both))[self.case.seed % 3]
        return 1, 1

    def operands_for(self, algorithm: str) -> tuple[np.ndarray | None, ...]:
        """The operands that an algorithm is run on."""
        scales = self.scales(algorithm)
        return self.operands if scales == (1, 1) else self.case.operands(*scales)

    @cached_property
    def expected(self) -> np.ndarray:
        """What the specification says."""
        return self.case.expected(*self.operands)

    @cached_property
    def magnitude(self) -> np.ndarray:
        """The largest sum of absolute products in each output channel, wherever the kernel may stand.

        Winograd transforms whole kernels and whole tiles, and errs by all that they hold: by taps that meet nothing but
        padding, too. Where an image is smaller than the kernel those can be all that is not zero.
        """
        case = self.case
        full = tuple((0 if case.transposed else d * (r - 1),) * 2 for r, d in zip(case.kernel, case.dilation))
        sums = replace(self.case, padding=full).expected(*(None if a is None else np.abs(a) for a in self.operands))
        last_spatial = sums.ndim - (self.case.layout == "NHWC")
        return sums.max(axis=tuple(range(last_spatial - self.case.ndim, last_spatial)), keepdims=True)

    def run(self, algorithm: str, **options) -> np.ndarray:
        """The convolution under test; RefusedError where the algorithm says that it does not apply."""
        try:
            return getattr(fc, self.case.function)(
                *self.operands_for(algorithm), **self.case.arguments, algorithm=algorithm, **options
            )
        except ValueError as error:
            reason = str(error)
            if algorithm in ("auto", "reference") or not reason.startswith(
                f"{self.case.function}: algorithm {algorithm} needs "
            ):
                raise
            raise RefusedError(reason) from None

    def error(self, algorithm: str) -> str:
        """What is wrong with the algorithm's output; empty where nothing is."""
        y = self.run(algorithm)
        want = self.expected * math.prod(self.scales(algorithm))
        if y.dtype != np.float32 or y.shape != want.shape:
            return f"gave {y.dtype} {y.shape}, not float32 {want.shape}"
        gate = self._gate(algorithm)
        wrong = ~(np.abs(y - want) <= (gate * UNIT * self.magnitude if gate else 0))
        if not wrong.any():
            return ""
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        return f"gave {y[at]} at {at}, not {want[at]} ({wrong.sum()} of {wrong.size} are wrong)"

    @property
    def _has_forward_form(self) -> bool:
        """Forward, or transposed of stride 1, unless the forward one's padding would be negative."""
        case = self.case
        reach = [d * (r - 1) for r, d in zip(case.kernel, case.dilation)]
        room = zip(case.pads, reach, case.output_padding)
        fits = all(before <= e and after <= e + more for (before, after), e, more in room)
        return not case.transposed or (set(case.stride) == {1} and fits)

    @property
    def _slices_are_images(self) -> bool:
        case = self.case
        return len(case.kernel) < 3 or (case.kernel[0] == 1 and case.pads[0] == (0, 0))

    def _gate(self, algorithm: str) -> int:
        case = self.case
        window = (1, *case.kernel)[-2:]
        r = max(window)
        is_long_line = min(window) == 1 < 3 < r and set(case.dilation) == {1} and self._slices_are_images
        may_be_winograd = (
            self._has_forward_form
            and ((r in (3, 5) and min(window) in (1, r)) or is_long_line)
            and set(case.stride) == {1}
            and (case.groups == 1 or min(case.c, case.k) // case.groups >= 8)
            and algorithm in GATE
        )
        if not may_be_winograd:
            return 0
        if algorithm == "winograd2":
            return SIX_POINTS_GATE if r == 5 else 0 if case.weight_step == 4 else GATE[algorithm]
        return GATE[algorithm]


class GuardedCheck(Check):
    """The same where every operand, and the output too, touches an unreadable page; outputs are NaN before."""

    def __init__(self, case: ConvCase, at_end: bool) -> None:
        super().__init__(replace(case, memory="contiguous"))
        self.at_end = at_end

    def operands_for(self, algorithm: str) -> tuple[np.ndarray | None, ...]:
        """As Check.operands_for, in guarded memory."""
        return tuple(None if a is None else guarded(a, self.at_end) for a in super().operands_for(algorithm))

    def run(self, algorithm: str, **options) -> np.ndarray:
        """As Check.run, into guarded memory."""
        out = guarded_empty(self.expected.shape, np.dtype(np.float32), self.at_end)
        out.fill(np.nan)
        y = super().run(algorithm, out=out, **options)
        assert y is out
        return y
