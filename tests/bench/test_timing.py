"""Times are taken in turns, and what a run costs is what is reported."""

import time

from fastconv.bench.timing import Timing, measure


def test_engines_take_turns():
    calls = []
    runs = {name: lambda name=name: (calls.append(name), time.sleep(0.002)) for name in "ab"}
    ticks = []
    between = []
    timings = measure(
        runs, rounds=4, block_ms=1, tick=lambda: ticks.append(1), between=lambda: between.append(len(ticks))
    )
    blocks = "".join(calls)[4:]  # after a first run and one that counts how many make a block
    assert blocks == "aabb" * 4
    assert len(ticks) == 8
    assert between == [0, 2, 4, 6, 8]
    assert all(len(t.rounds) == 4 and t.rounds == t.samples for t in timings.values())  # blocks of one
    assert all(len(t.samples) == 4 and t.median >= 2 for t in timings.values())


def test_median_and_spread():
    timing = Timing((5.0, 1.0, 2.0, 3.0, 100.0))
    assert timing.median == 3
    assert timing.spread == 3
