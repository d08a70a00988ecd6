"""A network's steps, timed run by run, so that whoever waits sees the runs go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastconv
from fastconv.bench.cases import ModelCase


def timed_steps(
    network: fastconv.Network, case: ModelCase, runs: int, errors: bool, tick: Callable[[], object]
) -> list[dict[str, Any]]:
    """Return what `fastconv.explain` tells of a network's steps; `tick` is called after each of the runs."""
    steps = fastconv.explain(network, *case.feed.values(), runs=1, errors=errors).steps
    times = []
    for _ in range(runs):
        times.append([step["ms"] for step in network.profile(*case.feed.values(), runs=1)])
        tick()
    medians = np.median(times, axis=0).tolist()
    total = sum(medians)
    return [{**step, "ms": ms, "share": ms / total if total else 0.0} for step, ms in zip(steps, medians, strict=True)]
