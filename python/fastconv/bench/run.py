"""Measures cases with every engine: the rows of a table. Start reading here; the command line is cli/bench.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fastconv
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError, relative_error
from fastconv.bench.clock import Clock
from fastconv.bench.engine import Engine, Runner
from fastconv.bench.engines import FastConv
from fastconv.bench.intervals import paired_ratio
from fastconv.bench.timing import measure

Case = ConvCase | ModelCase

# fastconv's budgets whose error is that of a number format.
_FORMATS = {"highest": "float32", "medium": "bfloat16"}


def is_same_precision(one: str, other: str) -> bool:
    """Tell whether a ratio of times between two precisions (`Engine.precision`) is one of equals."""
    return _FORMATS.get(one, one) == _FORMATS.get(other, other)


@dataclass(frozen=True)
class Row:
    """What one engine did on one case."""

    case: str
    engine: str
    layout: str
    ms: float  # median
    spread_ms: float  # interquartile range
    gflops: float  # per second; 0 where unknown
    ratio: float  # the engine's time over fastconv's in the same layout: above 1, fastconv is faster
    error: float | None  # relative Frobenius error against float64
    how: str  # algorithm or means; the reason where there is no time
    ratio_low: float = math.nan  # the ratio's interval: see `intervals`
    ratio_high: float = math.nan
    precision: str = "float32"  # what the engine computes in
    base_precision: str = "highest"  # what fastconv does, which the ratio is to
    threads: int = 1
    batch: int = 1
    drift: float = 0.0  # of the clock while the case was measured: see `clock`

    @property
    def failed(self) -> bool:
        """Whether the engine could not run the case."""
        return math.isnan(self.ms)

    @property
    def is_mixed(self) -> bool:
        """Whether the ratio is between different precisions."""
        return not is_same_precision(self.precision, self.base_precision)


@dataclass(frozen=True)
class Conditions:
    """What a table must state to be believed."""

    cpu: str
    isa: str
    threads: int | list[int]
    precision: str | list[str]
    versions: dict[str, str]

    @classmethod
    def of(cls, engines: Sequence[Engine], threads: int | Sequence[int], precision: str | Sequence[str]) -> Conditions:
        """Read them from the machine. Several threads or precisions are a list; a list of one is that one."""
        cpu = fastconv.cpu_info()
        several = [threads] if isinstance(threads, int) else list(threads)
        budgets = [precision] if isinstance(precision, str) else list(precision)
        return cls(
            cpu["brand"],
            cpu["isa"],
            several if len(several) > 1 else several[0],
            budgets if len(budgets) > 1 else budgets[0],
            {e.name: e.version() for e in engines},
        )

    @property
    def mark(self) -> str:
        """What follows a ratio to peers in float32: a star where fastconv computes in another precision."""
        return "" if self.precision == "highest" else "*"

    def __str__(self) -> str:
        """One line for headings."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        peers = ", peers in float32 unless they are named otherwise" if len(self.versions) > 1 else ""
        return (
            f"{self.cpu}, {self.isa}; threads: {_listed(self.threads)}; float32 arrays, fastconv's precision: "
            f"{_listed(self.precision)}{peers}; {versions}"
        )


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def run_case(
    name: str, case: Case, engines: Sequence[Engine], rounds: int, tick: Callable[[int], object] = lambda blocks: None
) -> Iterator[Row]:
    """Measure one case; an engine that cannot run it gives a row with its reason and no time.

    Parameters
    ----------
    name : str
        How the table calls the case.
    case : ConvCase or ModelCase
    engines : sequence of Engine
        As `fastconv.bench.engines.installed` returns them.
    rounds : int
        Rounds of `timing.measure`.
    tick : function, optional
        Called after every engine's block with the number of them all.
    """
    exact = case.exact()
    runners: dict[int, Runner] = {}
    failures: dict[int, str] = {}
    errors: dict[int, float] = {}
    for index, engine in enumerate(engines):
        try:
            runners[index] = engine.conv(case) if isinstance(case, ConvCase) else engine.model(case)
            first = runners[index].result()
            if exact is not None:
                errors[index] = relative_error(first, exact)
        except Exception as error:  # a peer may fail in any way it likes: the table says so, and goes on
            if isinstance(engine, FastConv) and not isinstance(error, UnsupportedError):
                raise
            runners.pop(index, None)
            failures[index] = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    clock = Clock()
    blocks = rounds * len(runners)
    runs = {str(index): runner.run for index, runner in runners.items()}
    times = measure(runs, rounds=rounds, tick=lambda: tick(blocks), between=clock)
    ours = {engines[i].layout: times[str(i)] for i in runners if isinstance(engines[i], FastConv)}
    common = {"base_precision": case.precision, "threads": case.threads, "batch": case.batch, "drift": clock.drift}
    for index, engine in enumerate(engines):
        terms: dict[str, Any] = {"precision": engine.precision(case), **common}
        if index in failures:
            nan = float("nan")
            yield Row(name, engine.name, engine.layout, nan, nan, 0.0, nan, None, failures[index], **terms)
            continue
        timing = times[str(index)]
        ratio = paired_ratio(timing.rounds, ours.get(engine.layout, next(iter(ours.values()))).rounds)
        yield Row(
            name,
            engine.name,
            engine.layout,
            timing.median,
            timing.spread,
            case.flops / timing.median / 1e6,
            ratio.median,
            errors.get(index),
            runners[index].how,
            ratio.low,
            ratio.high,
            **terms,
        )
