"""Intervals of ratios hold as often as they say, and the clock's drift is what its readings are."""

import math

import numpy as np
import pytest

from fastconv.bench import clock
from fastconv.bench.clock import Clock
from fastconv.bench.intervals import CONFIDENCE, coverage, paired_ratio


def test_the_interval_is_between_ordered_ratios():
    base = np.full(11, 2.0)
    ratio = paired_ratio(base * [5, 1, 3, 2, 4, 11, 10, 9, 8, 7, 6], base)
    # Of 11 rounds, the second of each end covers 1 - 2 * 12/2048, the third 1 - 2 * 67/2048, which is too little.
    assert ratio == (6, 2, 10)
    assert coverage(11, 2) == pytest.approx(1 - 24 / 2048)
    assert coverage(11, 3) == pytest.approx(1 - 134 / 2048)


def test_rounds_are_paired():
    drifting = np.linspace(1, 3, 9)  # the machine slows down under both engines alike
    assert paired_ratio(drifting * 1.25, drifting) == pytest.approx((1.25, 1.25, 1.25))


def test_too_few_rounds_have_no_interval():
    ratio = paired_ratio([1.0] * 5, [2.0] * 5)
    assert ratio.median == 0.5
    assert math.isnan(ratio.low) and math.isnan(ratio.high)
    assert paired_ratio([1.0] * 6, [2.0] * 6) == (0.5, 0.5, 0.5)


def test_it_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for n in (6, 11, 15):
        drawn = np.exp(rng.standard_normal((4000, n)))  # skewed, with median 1
        inside = [low <= 1 <= high for _, low, high in (paired_ratio(row, np.ones(n)) for row in drawn)]
        assert CONFIDENCE - 0.01 < np.mean(inside) <= 1


def test_drift(monkeypatch):
    seconds = iter([*[1.0, 7.0] * 5, *[1.5, 1.2] * 5, *[1.1, 1.1] * 5])
    monkeypatch.setattr(clock, "_REPEATS", 10)
    monkeypatch.setattr(clock, "_spin", lambda: next(seconds))
    reading = Clock()
    for _ in range(3):
        reading()
    assert reading.drift == pytest.approx(0.2)  # 1.2 in the second reading, 1.0 in the first


def test_the_loop_takes_time():
    reading = Clock()
    reading()
    assert reading.drift == 0
    assert 1e-5 < reading._seconds[0] < 1e-1
