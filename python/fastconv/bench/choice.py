"""How well ``algorithm="auto"`` chooses: every algorithm that applies, timed in turns with the others.

The command is ``fastconv bench choice``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from fastconv import _core
from fastconv.bench.cases import ConvCase
from fastconv.bench.engines import FastConv, description
from fastconv.bench.run import Conditions
from fastconv.bench.timing import measure

TOLERANCE = 0.1  # a choice within this of the best is a good one: timings vary by as much


@dataclass(frozen=True)
class Choice:
    """The times of one convolution, in milliseconds by algorithm, and the algorithm that auto takes."""

    case: str
    taken: str
    ms: dict[str, float]

    @property
    def best(self) -> str:
        """The fastest algorithm."""
        return min(self.ms, key=lambda name: self.ms[name])

    @property
    def regret(self) -> float:
        """By how much the choice is slower than the best, as a share of the best."""
        return self.ms[self.taken] / self.ms[self.best] - 1


def judge(case: ConvCase, rounds: int, block_ms: float = 10.0, tick: Callable[[], object] = lambda: None) -> Choice:
    """Time every algorithm that applies to a case and keeps its precision, channels last."""
    names = _core.applicable_algorithms(description(case, "NHWC"))
    engine = FastConv("NHWC")
    runs = {name: engine.conv(replace(case, algorithm=name)).run for name in names}
    taken = engine.conv(replace(case, algorithm="auto")).how
    times = measure(runs, rounds=rounds, block_ms=block_ms, tick=tick) if len(runs) > 1 else {}
    return Choice(str(case.shape), taken, {name: time.median for name, time in times.items()} or {taken: 1.0})


def show(choices: Sequence[Choice], conditions: Conditions, console: Console) -> None:
    """Print the choices outside the tolerance, the worst first, and how many are inside."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("case", "taken", "ms", "best", "ms", "regret"):
        table.add_column(heading, justify="right" if heading in ("ms", "regret") else "left", overflow="fold")
    worst = sorted((c for c in choices if c.regret > TOLERANCE), key=lambda c: -c.regret)
    for c in worst:
        taken, best = f"{c.ms[c.taken]:.3f}", f"{c.ms[c.best]:.3f}"
        table.add_row(c.case, c.taken, taken, c.best, best, f"{c.regret:.0%}")
    console.print(str(conditions))
    if worst:
        console.print(table)
    good = len(choices) - len(worst)
    share = good / max(len(choices), 1)
    console.print(f"within {TOLERANCE:.0%} of the best algorithm: {good} of {len(choices)} convolutions ({share:.1%})")


def write_csv(choices: Sequence[Choice], path: Path) -> None:
    """Write every time, one algorithm a line."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "algorithm", "ms", "taken"])
        writer.writerows([c.case, name, ms, int(name == c.taken)] for c in choices for name, ms in c.ms.items())
