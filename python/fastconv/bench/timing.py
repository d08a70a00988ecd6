"""How times are taken: engines alternate within one process, warm-up is discarded, medians are quoted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Milliseconds of single runs."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.samples))

    @property
    def spread(self) -> float:
        """The interquartile range."""
        low, high = np.percentile(self.samples, [25, 75])
        return float(high - low)


def measure(
    runs: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 11,
    block_ms: float = 30.0,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Timing]:
    """Time several ways to compute the same thing.

    In each round every engine runs in turn for about `block_ms`, after one run that is not counted (it finds the
    caches full of another engine's data, which matters less the longer a run takes: those of ten blocks or more all
    count). So a slow or fast spell of the machine meets all engines alike.

    Parameters
    ----------
    runs : mapping of name to function
    rounds : int
        Blocks per engine.
    block_ms : float
        About how long a block lasts; a run that takes longer is a block of its own.
    tick : function, optional
        Called after each block.
    """
    for run in runs.values():  # first calls plan, allocate and start threads
        run()
    estimates = {name: _once(run) for name, run in runs.items()}
    counts = {name: max(1, int(block_ms / ms)) for name, ms in estimates.items()}
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            if estimates[name] < 10 * block_ms:
                run()
            samples[name] += [_once(run) for _ in range(counts[name])]
            tick()
    return {name: Timing(tuple(values)) for name, values in samples.items()}


def _once(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) * 1e3
