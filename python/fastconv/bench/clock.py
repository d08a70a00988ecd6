"""Whether the machine kept its pace while engines were timed: a fixed scalar loop, timed before, between and after.

A clock that falls (heat, neighbours, wide vectors) or a core that is shared makes the loop slower. Engines that take
turns suffer alike, so ratios stand; times do not, and the tables say so.
"""

from __future__ import annotations

import time

WORTH_A_WARNING = 0.1  # share of the loop's least time; on an idle machine the loop repeats to a few per cent
_STEPS, _REPEATS = 10_000, 10  # about a millisecond altogether


class Clock:
    """Times the loop whenever it is called."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def __call__(self) -> None:
        """Take a reading: the best of a few, so that an interruption does not count as a slow clock."""
        self._seconds.append(min(_spin() for _ in range(_REPEATS)))

    @property
    def drift(self) -> float:
        """By how much the slowest reading is above the fastest, as a share of it."""
        return max(self._seconds) / min(self._seconds) - 1


def _spin() -> float:
    began = time.perf_counter()
    for _ in range(_STEPS):
        pass
    return time.perf_counter() - began
