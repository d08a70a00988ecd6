"""How networks gain by threads: the same network on one thread and on several, in turns.

The command is ``fastconv bench threads``. PyTorch is left out: its threads are the process's, not a session's.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console
from rich.table import Table

from fastconv.bench.cases import ModelCase, UnsupportedError, relative_error
from fastconv.bench.engine import Engine, Runner
from fastconv.bench.engines import FastConv, OnnxRuntime, OpenVino
from fastconv.bench.run import Conditions
from fastconv.bench.timing import measure

ENGINES: tuple[Engine, ...] = (FastConv(), OnnxRuntime(), OpenVino())


@dataclass(frozen=True)
class Scaling:
    """One engine's times of one network."""

    model: str
    engine: str
    one_ms: float
    one_spread_ms: float
    all_ms: float
    all_spread_ms: float
    error: float | None  # of the run on several threads

    @property
    def gain(self) -> float:
        """How many times as fast several threads are."""
        return self.one_ms / self.all_ms


def engines() -> list[Engine]:
    """Return those that are installed."""
    return [engine for engine in ENGINES if engine.available()]


def measure_scaling(case: ModelCase, rounds: int, tick: Callable[[int], object] = lambda blocks: None) -> list[Scaling]:
    """Time a network with every engine that reads it on one thread and on the case's, all in turns.

    `tick` is called as in `run.run_case`.
    """
    exact = case.exact()
    several: dict[str, Runner] = {}
    one: dict[str, Runner] = {}
    for engine in engines():
        with contextlib.suppress(UnsupportedError):
            several[engine.name], one[engine.name] = engine.model(case), engine.model(replace(case, threads=1))
    runs = {f"{name} {n}": r[name].run for name in several for n, r in (("one", one), ("all", several))}
    times = measure(runs, rounds=rounds, tick=lambda: tick(rounds * len(runs)))
    rows = []
    for name, runner in several.items():
        alone, together = times[f"{name} one"], times[f"{name} all"]
        error = None if exact is None else relative_error(runner.result(), exact)
        rows.append(
            Scaling(case.name, name, alone.median, alone.spread, together.median, together.spread, error),
        )
    return rows


def show(rows: Sequence[Scaling], conditions: Conditions, console: Console) -> None:
    """Print the table, and each engine's mean gain."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    several = f"{conditions.threads} threads"
    for heading in ("model", "engine", "1 thread ms", "spread", f"{several} ms", "spread", "gain", "error"):
        table.add_column(heading, justify="left" if heading in ("model", "engine") else "right")
    for row in rows:
        times = (f"{ms:.2f}" for ms in (row.one_ms, row.one_spread_ms, row.all_ms, row.all_spread_ms))
        error = "-" if row.error is None else f"{row.error:.1e}"
        table.add_row(row.model, row.engine, *times, f"{row.gain:.2f}", error)
    console.print(str(conditions), table, "ms: median; spread: interquartile range; error: relative, against float64")
    for name in dict.fromkeys(row.engine for row in rows):
        gains = [math.log(row.gain) for row in rows if row.engine == name]
        mean = math.exp(sum(gains) / len(gains))
        console.print(f"{name}: {several} are {mean:.2f}x as fast as one, geometric mean", highlight=False)
