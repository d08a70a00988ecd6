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

from fastconv.bench.clock import WORTH_A_WARNING
from fastconv.bench.run import Conditions, Row

HEADINGS = ("case", "engine", "ms", "spread", "GF/s", "ratio", "95%", "error", "how")
_NUMBERS = HEADINGS[2:-1]
LEGEND = (
    "ms: median; spread: interquartile range; ratio: the engine's time over fastconv's in the same layout, the median "
    "of the rounds' ratios; 95%: where that median lies with at least such confidence, by the sign test over rounds "
    "(Thompson 1936; needs 6 rounds); error: relative, against float64"
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
        number(row.ratio, ".2f") + ("*" if row.is_mixed and not row.failed else ""),
        "-" if math.isnan(row.ratio_low) or row.ratio_low == row.ratio_high else _interval(row),
        number(row.error, ".1e"),
        row.how,
    )


def _interval(row: Row) -> str:
    return f"{row.ratio_low:.2f}-{row.ratio_high:.2f}"


def ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Geometric mean of the ratios of each engine and layout; a star ends the name where precisions differ."""
    logs: dict[str, list[float]] = {}
    for row in rows:
        if not row.failed:
            star = "*" if row.is_mixed else ""
            logs.setdefault(f"{row.engine} {row.layout}{star}", []).append(math.log(row.ratio))
    return {key: math.exp(sum(values) / len(values)) for key, values in logs.items()}


def against_fastest(rows: Sequence[Row]) -> dict[str, float]:
    """Return for each case the fastest time of a peer in fastconv's precision over fastconv's in its faster layout."""
    ratios = {}
    for case in dict.fromkeys(row.case for row in rows):
        equals = [row for row in rows if row.case == case and not row.failed and not row.is_mixed]
        peers = [row.ms for row in equals if not row.engine.startswith("fastconv")]
        if peers:
            ratios[case] = min(peers) / min(row.ms for row in equals if row.engine == "fastconv")
    return ratios


def footnotes(rows: Sequence[Row]) -> list[str]:
    """Say between which precisions the marked ratios are, and where the machine did not keep its pace."""
    notes = []
    mixed = [row for row in rows if row.is_mixed and not row.failed]
    if mixed:
        peers: dict[tuple[str, str], dict[str, None]] = {}
        for row in mixed:
            peers.setdefault((row.precision, row.base_precision), {})[row.engine] = None
        each = "; ".join(f"{', '.join(names)} in {p}, fastconv in {ours}" for (p, ours), names in peers.items())
        notes.append(f"* between different precisions: {each}")
    drifts = {row.case: row.drift for row in rows if row.drift > WORTH_A_WARNING}
    if drifts:
        each = ", ".join(f"{case} {drift:.0%}" for case, drift in drifts.items())
        notes.append(
            f"warning: the clock drifted: a fixed scalar loop took up to so much longer at times: {each} (more than "
            f"{WORTH_A_WARNING:.0%}); ratios are of engines that took turns, but do not trust the times"
        )
    return notes


def show(rows: Sequence[Row], conditions: Conditions, console: Console) -> None:
    """Print a table under its conditions; below it the mean ratios, and why some engines have no numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left", overflow="fold")
    last = None
    for row in rows:
        if last not in (None, row.case):
            table.add_section()
        case, *numbers, how = cells(row)
        style = "bold" if row.engine == "fastconv" else None
        table.add_row("" if row.case == last else case, *numbers, "" if row.failed else how, style=style)
        last = row.case
    console.print(str(conditions), table, LEGEND)
    for note in footnotes(rows):
        console.print(note, highlight=False)
    if len({row.case for row in rows}) > 1:
        means = (f"{engine} {mean:.2f}" for engine, mean in ratios(rows).items())
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
    rule = ["---:" if heading in _NUMBERS else "---" for heading in HEADINGS]
    table = "\n".join("| " + " | ".join(line) + " |" for line in (HEADINGS, rule, *map(cells, rows)))
    notes = "".join(f"{note}.\n".replace("*", "\\*") for note in footnotes(rows))
    return f"{conditions}.\n\n{table}\n\n{LEGEND}.\n{notes}"


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
