"""How well ``algorithm="auto"`` chooses: every algorithm that applies, timed in turns with the others.

The command is ``fastconv bench choice``.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Summary:
    """How good the choices are together."""

    convolutions: int
    good: int  # within the tolerance
    worst: float  # regret
    mean: float  # regret, geometric mean

    @classmethod
    def of(cls, choices: Sequence[Choice]) -> Summary:
        """Count them up."""
        regrets = [choice.regret for choice in choices]
        mean = math.exp(sum(map(math.log1p, regrets)) / max(len(regrets), 1)) - 1
        return cls(len(regrets), sum(r <= TOLERANCE for r in regrets), max(regrets, default=0.0), mean)

    def __str__(self) -> str:
        """One line."""
        share = self.good / max(self.convolutions, 1)
        return (
            f"within {TOLERANCE:.0%} of the best algorithm: {self.good} of {self.convolutions} convolutions "
            f"({share:.1%}); worst {self.worst:.0%} slower, geometric mean {self.mean:.1%}"
        )


def judge(
    case: ConvCase, rounds: int, block_ms: float = 10.0, tick: Callable[[int], object] = lambda blocks: None
) -> Choice:
    """Time every algorithm that applies to a case and keeps its precision, channels last.

    A choice that seems wrong is measured once more: regret counts where it repeats, so the lower one does. `tick` is
    called as in `run.run_case`.
    """
    choice = _judge(case, rounds, block_ms, tick)
    if choice.regret <= TOLERANCE:
        return choice
    return min(choice, _judge(case, rounds, block_ms, tick), key=lambda choice: choice.regret)


def _judge(case: ConvCase, rounds: int, block_ms: float, tick: Callable[[int], object]) -> Choice:
    names = _core.applicable_algorithms(description(case, "NHWC"))
    engine = FastConv("NHWC")
    runs = {name: engine.conv(replace(case, algorithm=name)).run for name in names}
    taken = engine.conv(replace(case, algorithm="auto")).how
    blocks = 2 * rounds * len(runs)  # if it is measured twice
    times = measure(runs, rounds=rounds, block_ms=block_ms, tick=lambda: tick(blocks)) if len(runs) > 1 else {}
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
    console.print(str(Summary.of(choices)))


def write_csv(choices: Sequence[Choice], path: Path) -> None:
    """Write every time, one algorithm a line."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "algorithm", "ms", "taken"])
        writer.writerows([c.case, name, ms, int(name == c.taken)] for c in choices for name, ms in c.ms.items())


def write_json(choices: Sequence[Choice], conditions: Conditions, path: Path) -> None:
    """Write every time, the regrets, their summary and the conditions."""
    rows: list[dict[str, Any]] = [{**asdict(c), "best": c.best, "regret": c.regret} for c in choices]
    written = {"conditions": asdict(conditions), "summary": asdict(Summary.of(choices)), "rows": rows}
    path.write_text(json.dumps(written, indent=1) + "\n")
