"""A process that checks random cases with every algorithm, on the instruction set of FASTCONV_ISA.

    python -m tests.conv.worker --seed 0 --start 0 --stop 1000               # prints a Report as JSON
    python -m tests.conv.worker --case "ConvCase(...)" --algorithm direct    # one case, as failures name it

With --guard begin or end, operands and outputs touch an unreadable page there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import fastconv as fc
from tests.conv.case import ConvCase
from tests.conv.check import ALGORITHMS, Check, GuardedCheck, RefusedError
from tests.conv.generator import random_case

MOST_LINES = 5  # failures of an algorithm that a worker names; it counts all


@dataclass
class Report:
    """What became of the cases, by algorithm, and how often each kernel ran."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Add another worker's report."""
        for name in ("accepted", "refused", "failed", "runs"):
            getattr(self, name).update(getattr(other, name))
        self.lines += other.lines

    def check(self, case: ConvCase, algorithms: Sequence[str] = ALGORITHMS, guard: str | None = None) -> None:
        """Run `case` with each algorithm and note what came of it."""
        check = GuardedCheck(case, guard == "end") if guard else Check(case)
        for algorithm in algorithms:
            try:
                error = check.error(algorithm)
            except RefusedError:
                self.refused[algorithm] += 1
                continue
            except Exception as exception:
                error = f"raised {type(exception).__name__}: {exception}"
            self.accepted[algorithm] += 1
            if error:
                self.failed[algorithm] += 1
                if self.failed[algorithm] <= MOST_LINES:
                    self.lines.append(f"{command(case, guard)} --algorithm {algorithm}  # {error}")

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report that a worker printed."""
        values = json.loads(text)
        lines = values.pop("lines")
        return cls(lines=lines, **{name: Counter(counts) for name, counts in values.items()})

    def to_json(self) -> str:
        """One line for the process that started this one."""
        return json.dumps(vars(self))


def command(case: ConvCase, guard: str | None) -> str:
    """The command that repeats a case."""
    isa, options = os.environ.get("FASTCONV_ISA", ""), f"--guard {guard} " if guard else ""
    return f'FASTCONV_ISA={isa} python -m tests.conv.worker {options}--case "{case}"'


def main() -> int:
    """Check what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--stop", type=int, default=100)
    parser.add_argument("--case", help="a case as a failure names it")
    parser.add_argument("--algorithm", action="append", choices=ALGORITHMS, help="all by default")
    parser.add_argument("--guard", choices=("begin", "end"))
    arguments = parser.parse_args()

    algorithms, report = arguments.algorithm or ALGORITHMS, Report()
    if arguments.case:
        report.check(eval(arguments.case, {"ConvCase": ConvCase}), algorithms, arguments.guard)
        print(*report.lines or ["correct" if report.accepted else "refused"], sep="\n")
        return 1 if report.lines else 0
    for index in range(arguments.start, arguments.stop):
        case = random_case(arguments.seed, index)
        print(command(case, arguments.guard), file=sys.stderr)  # the last words, should this case be a crash
        fc.set_num_threads(2 if index % 8 == 0 else 1)
        report.check(case, algorithms, arguments.guard)
    report.runs.update({row["name"]: row["runs"] for row in fc.kernels()})
    print(report.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
