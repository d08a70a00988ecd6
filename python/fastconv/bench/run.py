"""Measures cases with every engine: the rows of a table. Start reading here; the command line is cli/bench.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import fastconv
from fastconv.bench.cases import ConvCase, ModelCase, UnsupportedError, relative_error
from fastconv.bench.engine import Engine, Runner
from fastconv.bench.engines import FastConv
from fastconv.bench.timing import measure

Case = ConvCase | ModelCase


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

    @property
    def failed(self) -> bool:
        """Whether the engine could not run the case."""
        return math.isnan(self.ms)


@dataclass(frozen=True)
class Conditions:
    """What a table must state to be believed."""

    cpu: str
    isa: str
    threads: int
    precision: str
    versions: dict[str, str]

    @classmethod
    def of(cls, engines: Sequence[Engine], threads: int, precision: str) -> Conditions:
        """Read them from the machine."""
        cpu = fastconv.cpu_info()
        return cls(cpu["brand"], cpu["isa"], threads, precision, {e.name: e.version() for e in engines})

    def __str__(self) -> str:
        """One line for headings."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.cpu}, {self.isa}; threads: {self.threads}; float32 arrays, fastconv's precision: {self.precision}, "
            f"peers in float32; {versions}"
        )


def run_case(
    name: str, case: Case, engines: Sequence[Engine], rounds: int, tick: Callable[[], object] = lambda: None
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
        Rounds of `timing.measure`; `tick` is called after every engine's block.
    """
    exact = case.exact()
    runners: dict[int, Runner] = {}
    failures: dict[int, str] = {}
    errors: dict[int, float] = {}
    for index, engine in enumerate(engines):
        try:
            runners[index] = engine.conv(case) if isinstance(case, ConvCase) else engine.model(case)
            if exact is not None:
                errors[index] = relative_error(runners[index].result(), exact)
        except Exception as error:  # a peer may fail in any way it likes: the table says so, and goes on
            if isinstance(engine, FastConv) and not isinstance(error, UnsupportedError):
                raise
            runners.pop(index, None)
            failures[index] = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    times = measure({str(index): runner.run for index, runner in runners.items()}, rounds=rounds, tick=tick)
    ours = {engines[i].layout: times[str(i)].median for i in runners if isinstance(engines[i], FastConv)}
    for index, engine in enumerate(engines):
        if index in failures:
            nan = float("nan")
            yield Row(name, engine.name, engine.layout, nan, nan, 0.0, nan, None, failures[index])
            continue
        timing = times[str(index)]
        base = ours.get(engine.layout, next(iter(ours.values())))
        yield Row(
            name,
            engine.name,
            engine.layout,
            timing.median,
            timing.spread,
            case.flops / timing.median / 1e6,
            timing.median / base,
            errors.get(index),
            runners[index].how,
        )
