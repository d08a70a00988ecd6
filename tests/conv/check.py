"""Runs one case with one algorithm and compares with the specification. Used by the sweeps and by the other tests."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

import fastconv as fc
from tests.conv.case import ConvCase
from tests.conv.guarded import guarded, guarded_empty

# The operands are integers that bfloat16 holds.
ALGORITHMS = (
    "auto",
    "direct",
    "direct_bf16",
    "im2col",
    "col2im",
    "winograd",
    "winograd2",
    "winograd4",
    "winograd6",
    "depthwise",
    "reference",
)

# Largest error of an element in units of 2^-24 * sum |x| |weight|; 0 means exact on the cases' integers. What chooses
# among Winograd's variants has the gate of the worst that precision "highest" admits: that of six points.
GATE = {"auto": 64, "winograd": 64, "winograd2": 8, "winograd4": 64, "winograd6": 256}
SIX_POINTS_GATE = 64
UNIT = 2.0**-24


class RefusedError(Exception):
    """The algorithm does not do this case and said why."""


class Check:
    """A case with its operands and what it must give."""

    def __init__(self, case: ConvCase) -> None:
        self.case = case
        self.operands = case.operands()

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
                *self.operands, **self.case.arguments, algorithm=algorithm, **options
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
        want = self.expected
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

    def _gate(self, algorithm: str) -> int:
        case = self.case
        window = (1, *case.kernel)[-2:]
        r = max(window)
        may_be_winograd = (
            self._has_forward_form
            and r in (3, 5)
            and min(window) in (1, r)
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
        self.operands = tuple(None if a is None else guarded(a, at_end) for a in self.operands)

    def run(self, algorithm: str, **options) -> np.ndarray:
        """As Check.run, into guarded memory."""
        out = guarded_empty(self.expected.shape, np.dtype(np.float32), self.at_end)
        out.fill(np.nan)
        y = super().run(algorithm, out=out, **options)
        assert y is out
        return y
