"""How times are taken: engines alternate within one process, warm-up is discarded, medians are quoted.

What the rounds say of two engines is in `intervals`, what they say of the machine's clock in `clock`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Milliseconds of single runs, and the median of each round's."""

    samples: tuple[float, ...]
    rounds: tuple[float, ...] = ()

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
    between: Callable[[], object] = lambda: None,
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
    between : function, optional
        Called before the first round and after each.
    """
    for run in runs.values():  # first calls plan, allocate and start threads
        run()
    estimates = {name: _once(run) for name, run in runs.items()}
    counts = {name: max(1, int(block_ms / ms)) for name, ms in estimates.items()}
    blocks: dict[str, list[list[float]]] = {name: [] for name in runs}
    between()
    for _ in range(rounds):
        for name, run in runs.items():
            if estimates[name] < 10 * block_ms:
                run()
            blocks[name].append([_once(run) for _ in range(counts[name])])
            tick()
        between()
    return {name: _timing(values) for name, values in blocks.items()}


def _timing(blocks: list[list[float]]) -> Timing:
    return Timing(tuple(chain.from_iterable(blocks)), tuple(float(np.median(block)) for block in blocks))


def _once(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) * 1e3
