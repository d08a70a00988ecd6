"""A bar chart of a table: one group of bars a case, one colour an engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fastconv.bench.run import Conditions, Row
from fastconv.bench.table import footnotes


def write_png(rows: Sequence[Row], conditions: Conditions, path: Path) -> None:
    """Draw the ratios of the engines' times to fastconv's with their intervals; longer is slower."""
    cases = list(dict.fromkeys(row.case for row in rows))
    engines = list(dict.fromkeys((row.engine, row.layout) for row in rows))
    found = {(row.case, row.engine, row.layout): row for row in rows}
    thickness = 0.85 / len(engines)
    figure = Figure(figsize=(9, 1.2 + 0.22 * len(cases) * len(engines)), layout="constrained")
    axes = figure.subplots()
    for number, (engine, layout) in enumerate(engines):
        picked = [found.get((case, engine, layout)) for case in cases]
        lengths = [0.0 if row is None or math.isnan(row.ratio) else row.ratio for row in picked]
        lows, highs = zip(*(_whiskers(row) for row in picked))
        places = [index + number * thickness for index in range(len(cases))]
        thin = {"elinewidth": 0.8, "ecolor": "#444444"}
        bars = axes.barh(places, lengths, thickness, label=f"{engine} {layout}", xerr=(lows, highs), error_kw=thin)
        labels = ["" if row is None or row.failed else _label(row) for row in picked]
        axes.bar_label(bars, labels, fontsize=7, padding=2)
    axes.set_yticks([index + 0.85 / 2 - thickness / 2 for index in range(len(cases))], cases, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xlabel("time, relative to fastconv in the same layout (shorter is faster); whiskers: 95% intervals")
    axes.set_title("\n".join([str(conditions), *footnotes(rows)]), fontsize=6, loc="left", wrap=True)
    axes.margins(x=0.1)
    figure.legend(loc="outside lower center", ncols=3, fontsize=7)
    figure.savefig(path, dpi=130, format="png")


def _label(row: Row) -> str:
    return f"{row.ratio:.2f}{'*' * row.is_mixed}, {row.ms:.3g} ms"


def _whiskers(row: Row | None) -> tuple[float, float]:
    """Return how far the ratio's interval reaches below and above it."""
    if row is None or math.isnan(row.ratio_low):
        return 0.0, 0.0
    return row.ratio - row.ratio_low, row.ratio_high - row.ratio
