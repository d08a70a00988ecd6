"""Rows as tables: for the terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from fastconv.bench.run import Conditions, Row

HEADINGS = ("case", "engine", "ms", "spread", "GF/s", "ratio", "error", "how")
LEGEND = (
    "ms: median; spread: interquartile range; ratio: the engine's time over fastconv's in the same layout; "
    "error: relative, against float64"
)


def console() -> Console:
    """Return where tables are printed; a file or a pipe has no width of its own."""
    out = Console()
    if not out.is_terminal:
        out.width = 200
    return out


def cells(row: Row) -> tuple[str, ...]:
    """Format one row; a dash where there is nothing to show."""

    def number(value: float | None, form: str) -> str:
        return "-" if value is None or math.isnan(value) or value == 0 else format(value, form)

    return (
        row.case,
        f"{row.engine} {row.layout}",
        number(row.ms, ".3f"),
        number(row.spread_ms, ".3f"),
        number(row.gflops, ".0f"),
        number(row.ratio, ".2f"),
        number(row.error, ".1e"),
        row.how,
    )


def ratios(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """Geometric mean of the ratios of each (engine, layout)."""
    logs: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if not math.isnan(row.ratio):
            logs.setdefault((row.engine, row.layout), []).append(math.log(row.ratio))
    return {key: math.exp(sum(values) / len(values)) for key, values in logs.items()}


def against_fastest(rows: Sequence[Row]) -> dict[str, float]:
    """Return for each case the fastest peer's time over fastconv's in its faster layout."""
    ratios = {}
    for case in dict.fromkeys(row.case for row in rows):
        times = [(row.engine == "fastconv", row.ms) for row in rows if row.case == case and not row.failed]
        peers = [ms for ours, ms in times if not ours]
        if peers:
            ratios[case] = min(peers) / min(ms for ours, ms in times if ours)
    return ratios


def show(rows: Sequence[Row], conditions: Conditions, console: Console) -> None:
    """Print a table under its conditions; below it the mean ratios, and why some engines have no numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in HEADINGS[2:7] else "left", overflow="fold")
    last = None
    for row in rows:
        if last not in (None, row.case):
            table.add_section()
        case, *numbers, how = cells(row)
        style = "bold" if row.engine == "fastconv" else None
        table.add_row("" if row.case == last else case, *numbers, "" if row.failed else how, style=style)
        last = row.case
    console.print(str(conditions), table, LEGEND)
    if len({row.case for row in rows}) > 1:
        means = (f"{engine} {layout} {mean:.2f}" for (engine, layout), mean in ratios(rows).items())
        console.print("ratio, geometric mean: " + ", ".join(means))
    if fastest := against_fastest(rows):
        each = ", ".join(f"{case} {ratio:.2f}" for case, ratio in fastest.items())
        mean = math.exp(sum(map(math.log, fastest.values())) / len(fastest))
        console.print(f"fastest peer's time over fastconv's: {each}; geometric mean {mean:.2f}", highlight=False)
    for row in rows:
        if row.failed:
            console.print(f"{row.case}, {row.engine} {row.layout}: {row.how}", style="dim", highlight=False)


def to_markdown(rows: Sequence[Row], conditions: Conditions) -> str:
    """Write a table for a README."""
    lines = [HEADINGS, ["---"] * 2 + ["---:"] * 5 + ["---"], *map(cells, rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{conditions}.\n\n{table}\n\n{LEGEND}.\n"


def write_csv(rows: Sequence[Any], path: Path) -> None:
    """Write rows, instances of one dataclass, one a line; an empty field where there is no number."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f.name for f in fields(rows[0])])
        writer.writerows([_plain(value) for value in asdict(row).values()] for row in rows)


def write_json(rows: Sequence[Row], conditions: Conditions, path: Path) -> None:
    """Write conditions and rows; null where there is no number."""
    plain = [{key: _plain(value) for key, value in asdict(row).items()} for row in rows]
    path.write_text(json.dumps({"conditions": asdict(conditions), "rows": plain}, indent=2))


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
