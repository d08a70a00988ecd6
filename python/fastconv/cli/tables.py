"""The demo's output: text, progress, tables. The only file of the command line that knows rich."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rich.console
import rich.progress
import rich.table

from fastconv._compile import with_epilogue
from fastconv.cli.compare import Comparison


class Console:
    """Prints results to stdout, and progress to stderr where that is a terminal."""

    def __init__(self) -> None:
        self._out = rich.console.Console(highlight=False, soft_wrap=True)
        if not self._out.is_terminal:
            self._out.width = 160  # a file or a pipe has no width of its own
        self._err = rich.console.Console(stderr=True, highlight=False)

    def line(self, text: str) -> None:
        """Print a line."""
        self._out.print(text, markup=False)

    def text(self, title: str, lines: Sequence[str]) -> None:
        """Print what an engine read."""
        self.line(f"\n{title}")
        for line in lines:
            self.line(f"  {line}")

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show that something goes on."""
        with self._err.status(f"{what} ..."):
            yield

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar; the function given is to be called `total` times."""
        with rich.progress.Progress(console=self._err, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    def layers(self, rows: Sequence[dict[str, Any]], count: int) -> None:
        """Print the slowest layers of all models."""
        total = sum(row["ms"] for row in rows)
        shown = rows[:count]
        share = sum(row["ms"] for row in shown) / max(total, 1e-9)
        title = f"the {len(shown)} slowest of {len(rows)} layers: {share:.0%} of {total:.1f} ms"
        table = _table(title, "model", "layer", "operator", "output", "algorithm", "ms>", "GF/s>", "share>")
        for row in shown:
            speed = f"{row['flops'] / row['ms'] / 1e6:.0f}" if row["flops"] and row["ms"] else ""
            shape = "x".join(map(str, row["shape"]))
            cells = row["model"], row["name"], with_epilogue(row), shape, row["algorithm"]
            table.add_row(*cells, f"{row['ms']:.3f}", speed, f"{row['ms'] / max(total, 1e-9):.1%}")
        self._out.print()
        self._out.print(table, soft_wrap=False)

    def comparison(self, comparisons: Sequence[Comparison], pages: tuple[float, float]) -> None:
        """Print both engines side by side: a row for each model, and one for the whole page."""
        title = "fastconv beside onnxruntime, on the tensors that RapidOCR fed (medians)"
        table = _table(title, "model", "runs>", "largest |output|>", "difference>", "fastconv ms>", "ort ms>", "ratio>")
        for entry in comparisons:
            ours, theirs = statistics.median(entry.ours_ms), statistics.median(entry.theirs_ms)
            scale, difference = f"{entry.largest_output:.4g}", f"{entry.largest_difference:.2g}"
            table.add_row(entry.model, str(len(entry.shapes)), scale, difference, *_times(ours, theirs))
        table.add_row("whole page with RapidOCR's own work", "", "", "", *_times(*pages))
        self._out.print()
        self._out.print(table, soft_wrap=False)


def _times(ours: float, theirs: float) -> tuple[str, str, str]:
    return f"{ours:.1f}", f"{theirs:.1f}", f"{theirs / ours:.2f}x"


def _table(title: str, *columns: str) -> rich.table.Table:
    """Return an empty table; a column whose name ends with ``>`` is aligned to the right."""
    table = rich.table.Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left")
    return table
