"""What paired rounds say of two engines: the median of their ratios, and an interval for it.

Times of runs are skewed and drift with the machine, so neither a normal distribution nor independence of the engines is
assumed: in each round both engines ran one after the other, and each round gives one ratio. The interval is the sign
test's, inverted (W. R. Thompson, "On confidence ranges for the median", Annals of Mathematical Statistics 7, 1936): the
k-th smallest and k-th largest ratio of n independent rounds enclose the true median, unless fewer than k of n coin
throws come up heads or fewer than k tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95


class Ratio(NamedTuple):
    """A median of ratios and the ends of its interval: NaN where the rounds are too few for one."""

    median: float
    low: float
    high: float


def paired_ratio(rounds: Sequence[float], base: Sequence[float]) -> Ratio:
    """Compare two engines over the rounds that they shared.

    Parameters
    ----------
    rounds, base : sequence of float
        Times of the same rounds in the same order.

    Returns
    -------
    Ratio
        Of `rounds` over `base`; the narrowest interval of the sign test that holds with at least `CONFIDENCE`.
    """
    ratios = np.sort(np.divide(rounds, base))
    k = _rank(len(ratios))
    ends = (float(ratios[k - 1]), float(ratios[-k])) if k else (math.nan, math.nan)
    return Ratio(float(np.median(ratios)), *ends)


def coverage(n: int, k: int) -> float:
    """Return how surely the k-th smallest and k-th largest of n values enclose the median they were drawn around."""
    return 1 - 2 * sum(math.comb(n, heads) for heads in range(k)) / 2**n


def _rank(n: int) -> int:
    """Return the largest k that covers enough; 0 where none does, with fewer than 6 rounds."""
    return max((k for k in range(1, n // 2 + 1) if coverage(n, k) >= CONFIDENCE), default=0)
